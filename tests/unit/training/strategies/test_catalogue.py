import math
from collections.abc import Callable
from dataclasses import replace
from weakref import WeakSet

import pytest
from medley_training.errors import IncompatibleAdapter, RecipeError, TooFewContributions
from medley_training.factors import Factors, TensorAdapter
from medley_training.strategies import STRATEGIES, gram, reproject, strategy

from tests.unit.training.strategies.adapters import (
    SIDES,
    adapter,
    context,
    near,
    votes,
)

BOTH = ("fedavg", "stacking", "fedprox", "fedex", "krum", "median", "qffl", "fltrust")


def test_every_strategy_is_found_by_its_name() -> None:
    for name, rule in STRATEGIES.items():
        assert type(strategy(name)) is rule
        assert strategy(name).name == name
        assert strategy(name) == strategy(name)


def test_the_catalogue_holds_what_recipes_may_name() -> None:
    assert " ".join(sorted(STRATEGIES)) == (
        "fedadam fedavg fedex fedprox fedyogi ffa fltrust geometric_median krum median qffl "
        "rolora stacking trimmed_mean"
    )


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(RecipeError, match="'fedsgd'; there are: fedadam, fedavg"):
        strategy("fedsgd")


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("stacking", {"rang": 8}, "has no option 'rang'; it has: rank, energy, carry"),
        ("fedavg", {"rank": 8}, "has no option 'rank'; it has: none"),
        ("stacking", {"rank": 1.5}, "rank is 1.5, not a whole number"),
        ("stacking", {"rank": True}, "rank is True, not a whole number"),
        ("stacking", {"carry": 1}, "carry is 1, not true or false"),
        ("fedprox", {"mu": False}, "mu is False, not a number"),
        ("fedprox", {"mu": -1.0}, "mu is -1.0, not at least 0"),
        ("trimmed_mean", {"share": 0.5}, "share is 0.5, not between"),
        ("krum", {"kept": 0}, "kept at least 1"),
        ("qffl", {"q": -1}, "q must be at least 0"),
        ("geometric_median", {"smoothing": 0.0}, "smoothing must be above 0"),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_be_right(
    name: str, options: dict[str, float], reason: str
) -> None:
    with pytest.raises(RecipeError, match=reason):
        strategy(name, **options)


def test_whole_numbers_serve_as_numbers() -> None:
    assert strategy("fedprox", mu=1).mu == 1


def test_only_fedprox_pulls_towards_the_start() -> None:
    assert {name for name in STRATEGIES if strategy(name).mu} == {"fedprox"}


def test_only_fltrust_needs_a_root_and_only_qffl_a_loss() -> None:
    assert {name for name in STRATEGIES if strategy(name).needs_root} == {"fltrust"}
    assert {name for name in STRATEGIES if strategy(name).needs_loss} == {"qffl"}


def test_only_ffa_and_rolora_train_one_factor() -> None:
    halves = {name for name in STRATEGIES if strategy(name).trained(1) != {"A", "B"}}

    assert halves == {"ffa", "rolora"}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_no_votes_are_too_few(name: str) -> None:
    start = adapter(0)

    for none in ([], [replace(vote, weight=0.0) for vote in votes([start])]):
        with pytest.raises(TooFewContributions):
            strategy(name).aggregate(context(start), none, {})


@pytest.mark.parametrize("name", BOTH)
def test_votes_over_other_modules_are_refused(name: str) -> None:
    start = adapter(0)
    other = adapter(1, sides={"layers.0.k_proj": (4, 4)})

    with pytest.raises(IncompatibleAdapter, match="site-00: its modules are not the start's"):
        strategy(name).aggregate(context(start), votes([other]), {})


def test_weights_need_not_sum_to_one() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(3)]

    one = strategy("fedavg").aggregate(context(start), votes(sent, [1, 2, 3]), {})

    assert one.weights == pytest.approx({"site-00": 1 / 6, "site-01": 1 / 3, "site-02": 1 / 2})


@pytest.mark.parametrize("weight", [-0.5, math.inf, math.nan])
def test_a_weight_must_be_finite_and_not_negative(weight: float) -> None:
    start = adapter(0)

    with pytest.raises(ValueError, match="finite and not negative"):
        strategy("fedavg").aggregate(context(start), votes([start, start], [weight, 1.0]), {})


def test_nobody_votes_twice() -> None:
    start = adapter(0)
    twice = [replace(vote, participant="one") for vote in votes([start, start])]

    with pytest.raises(ValueError, match="votes twice"):
        strategy("fedavg").aggregate(context(start), twice, {})


class _CountingAdapter:
    """Counts what is read of it."""

    def __init__(self, make: Callable[[str], Factors]) -> None:
        self._make = make
        self.reads: list[str] = []

    @property
    def modules(self) -> tuple[str, ...]:
        return tuple(SIDES)

    def factors(self, module: str) -> Factors:
        self.reads.append(module)
        return self._make(module)


@pytest.mark.parametrize(
    ("name", "sites", "passes"),
    [
        ("fedavg", 5, 1),
        ("stacking", 3, 1),
        ("fedadam", 5, 1),
        ("krum", 5, 2),
        ("qffl", 5, 2),
        ("median", 5, 2),
    ],
)
def test_each_module_of_each_vote_is_read_once_per_pass(name: str, sites: int, passes: int) -> None:
    start = adapter(0)
    sent = [_CountingAdapter(near(start, i).factors) for i in range(sites)]

    outcome = strategy(name).aggregate(context(start), votes(sent), {})

    assert isinstance(outcome.next_start, TensorAdapter)
    most = max(len(each.reads) for each in sent)
    assert most == passes * len(SIDES)


class _WatchedAdapter:
    """Hands out copies and records how many of all adapters' are alive at a time."""

    def __init__(self, inner: TensorAdapter, alive: WeakSet[Factors], peaks: list[int]) -> None:
        self._inner, self._alive, self._peaks = inner, alive, peaks
        self.modules = inner.modules

    def factors(self, module: str) -> Factors:
        inner = self._inner.factors(module)
        copy = _Weak(inner.a.clone(), inner.b.clone(), inner.scale)
        self._alive.add(copy)
        self._peaks.append(len(self._alive))
        return copy


class _Weak(Factors):
    """Factors with a place for weak references."""


@pytest.mark.parametrize("name", ["fedavg", "stacking", "fedyogi", "qffl", "median", "krum"])
def test_no_more_votes_are_held_when_more_come(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproject, "MOST_COLUMNS", 8)
    monkeypatch.setattr(gram, "_BLOCK", 2)
    start = adapter(0)
    rule = strategy(name, rank=2) if name == "stacking" else strategy(name)
    most = []
    for sites in (5, 20):
        alive: WeakSet[Factors] = WeakSet()
        peaks: list[int] = []
        sent = [_WatchedAdapter(near(start, i), alive, peaks) for i in range(sites)]
        rule.aggregate(context(start), votes(sent), {})
        most.append(max(peaks))

    assert most[0] == most[1] <= 2
