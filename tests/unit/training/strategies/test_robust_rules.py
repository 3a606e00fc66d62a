from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import RecipeError, TooFewContributions
from medley_training.factors import Adapter
from medley_training.local.lora import LoraShape
from medley_training.strategies import Outcome, Strategy, strategy
from medley_training.strategies.cores import basis_of, cores_of
from medley_training.strategies.trimmed import trimmed

from tests.unit.training.strategies.adapters import (
    SIDES,
    adapter,
    attacked,
    context,
    dense,
    dense_sum,
    error,
    near,
    rotated,
    scaled_move,
    votes,
)

ROBUST = ("geometric_median", "krum", "fltrust", "median", "trimmed_mean")
SITES = 5


def _aggregate(
    rule: Strategy, start: Adapter, adapters: Sequence[Adapter], root: Adapter | None = None
) -> Outcome:
    there = replace(context(start), root=root or near(start, 77))
    return rule.aggregate(there, votes(adapters), {})


def _move(outcome: Outcome, start: Adapter) -> float:
    """How far the aggregate is from the start, relative to the start."""
    return error(dense(outcome.served), dense(start))


@pytest.mark.parametrize("factor", [-1.0, 10.0, -10.0])
@pytest.mark.parametrize("liar", [0, 3])
@pytest.mark.parametrize("name", ROBUST)
def test_one_liar_of_five_ruins_the_mean_and_not_the_robust_rule(
    name: str, liar: int, factor: float
) -> None:
    start = adapter(0)
    honest = [near(start, 10 + i) for i in range(SITES)]
    wanted = dense_sum([a for i, a in enumerate(honest) if i != liar], [0.25] * 4)
    base = dense(start)
    moved = {module: wanted[module] - base[module] for module in wanted}
    sent = list(honest)
    sent[liar] = attacked(start, honest[liar], factor)

    def missed(outcome: Outcome) -> float:
        found = dense(outcome.served)
        return error({m: found[m] - base[m] for m in found}, moved)

    robust = missed(_aggregate(strategy(name), start, sent))
    naive = missed(_aggregate(strategy("fedavg"), start, sent))
    # Krum takes one contribution as it is, with what is that site's alone.
    assert robust < (0.3 if name == "krum" else 0.15)
    assert naive > (0.4 if factor == -1 else 2.0)


@pytest.mark.parametrize("name", ROBUST)
def test_without_a_liar_the_robust_rules_stay_near_the_mean(name: str) -> None:
    start = adapter(0)
    honest = [near(start, i) for i in range(SITES)]
    mean, base = dense_sum(honest, [0.2] * SITES), dense(start)

    found = dense(_aggregate(strategy(name), start, honest).served)

    moved = {m: mean[m] - base[m] for m in mean}
    assert error({m: found[m] - base[m] for m in mean}, moved) < 0.35


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", ROBUST)
def test_rotating_anybodys_factors_changes_nothing(name: str, seed: int) -> None:
    start = adapter(seed)
    adapters = [near(start, seed + i) for i in range(SITES)]
    plain = _aggregate(strategy(name), start, adapters)

    turned = [rotated(each, seed + i) for i, each in enumerate(adapters)]
    root = near(start, 77)
    outcome = _aggregate(strategy(name), rotated(start, seed + 9), turned, root)

    assert error(dense(outcome.served), dense(plain.served)) < 1e-6


@settings(max_examples=8)
@given(order=st.permutations(range(SITES)))
@pytest.mark.parametrize("name", ROBUST)
def test_the_order_of_votes_does_not_touch_a_bit(name: str, order: list[int]) -> None:
    start = adapter(3)
    some = votes([near(start, i) for i in range(SITES)], [0.1, 0.3, 0.2, 0.15, 0.25])
    there = replace(context(start), root=near(start, 77))

    one = strategy(name).aggregate(there, some, {})
    two = strategy(name).aggregate(there, [some[i] for i in order], {})

    for module in SIDES:
        assert one.served.factors(module).b.equal(two.served.factors(module).b)
        assert one.next_start.factors(module).a.equal(two.next_start.factors(module).a)
    assert one.weights == two.weights


@pytest.mark.parametrize("name", ["fedavg", "fedprox", "stacking", "fedex", "qffl", *ROBUST])
def test_equal_adapters_aggregate_to_themselves(name: str) -> None:
    start = adapter(3)
    one = near(start, 1)
    rule = strategy(name, q=0.0) if name == "qffl" else strategy(name)

    outcome = _aggregate(rule, start, [one] * SITES, root=one)

    assert error(dense(outcome.served), dense(one)) < 1e-7
    assert {outcome.served.factors(module).rank for module in SIDES} <= {4, 8}


@pytest.mark.parametrize("name", ROBUST)
def test_robust_rules_take_mixed_ranks(name: str) -> None:
    start = adapter(3)
    narrow = strategy("stacking").aggregate(
        context(start, shape=LoraShape(rank=2, alpha=4)), votes([near(start, 1)]), {}
    )
    adapters = [near(start, i) for i in range(4)]

    outcome = _aggregate(strategy(name), start, [*adapters, narrow.next_start])

    assert {outcome.next_start.factors(module).rank for module in SIDES} == {4}
    assert _move(outcome, start) > 0.05


@pytest.mark.parametrize("name", ROBUST)
def test_a_served_rank_bounds_every_module(name: str) -> None:
    start = adapter(3)
    rule = strategy(name, rank=3)

    outcome = _aggregate(rule, start, [near(start, i) for i in range(SITES)])

    assert {outcome.served.factors(module).rank for module in SIDES} == {3}


def test_krum_keeps_whole_contributions_and_names_them() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(SITES)]
    sent[2] = scaled_move(start, sent[2], -1.0)

    one = _aggregate(strategy("krum"), start, sent)
    two = _aggregate(strategy("krum", kept=3), start, sent)

    (kept,) = [name for name, weight in one.weights.items() if weight]
    assert one.notes[0] == f"krum kept {kept}"
    assert error(dense(one.served), dense(sent[int(kept[-2:])])) < 1e-12
    assert sorted(two.weights.values()) == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3])
    assert two.weights["site-02"] == 0


def test_krum_scores_by_the_papers_number_of_neighbours() -> None:
    import torch

    start = adapter(0, size=0.0)
    sent = [near(start, i, common=i) for i in range(7)]
    flat = torch.stack([torch.cat([d.flatten() for d in dense(a).values()]) for a in sent])
    squared = torch.cdist(flat, flat).square()
    scores = squared.sort(dim=1).values[:, 1 : 1 + 7 - 2 - 2].sum(1)

    outcome = _aggregate(strategy("krum", byzantine=2), start, sent)

    assert outcome.weights[f"site-{int(scores.argmin()):02}"] == 1


def test_krum_needs_enough_contributions() -> None:
    start = adapter(0)

    with pytest.raises(TooFewContributions, match="krum needs 5 contributions, not 4"):
        _aggregate(strategy("krum"), start, [near(start, i) for i in range(4)])


def test_the_geometric_median_has_no_better_neighbour() -> None:
    import torch

    start = adapter(0)
    sent = [near(start, i, common=i % 2) for i in range(SITES)]
    shares = torch.tensor([0.1, 0.3, 0.2, 0.15, 0.25], dtype=torch.float64)
    flat = torch.stack([torch.cat([d.flatten() for d in dense(a).values()]) for a in sent])

    outcome = strategy("geometric_median").aggregate(
        context(start), votes(sent, shares.tolist()), {}
    )

    def cost(point: torch.Tensor) -> float:
        return float(shares @ (flat - point).norm(dim=1))

    found = torch.cat([d.flatten() for d in dense(outcome.served).values()])
    generator = torch.Generator().manual_seed(0)
    for size in (1e-2, 1e-1):
        for _ in range(20):
            nudge = torch.randn(SITES, generator=generator, dtype=torch.float64) @ flat
            assert cost(found) <= cost(found + size * nudge) + 1e-12
    gradient = (shares[:, None] * torch.nn.functional.normalize(flat - found, dim=1)).sum(0)
    assert float(gradient.norm()) < 1e-5


def test_fltrust_is_the_papers_formula() -> None:
    import torch

    start = adapter(0)
    sent = [near(start, i, common=i % 2) for i in range(3)] + [
        scaled_move(start, near(start, 9), -3.0)
    ]
    root = near(start, 77)
    base = torch.cat([d.flatten() for d in dense(start).values()])
    flat = [torch.cat([d.flatten() for d in dense(a).values()]) - base for a in [*sent, root]]
    trust = [max(0.0, float(torch.cosine_similarity(g, flat[-1], dim=0))) for g in flat[:-1]]
    step = sum(
        t * flat[-1].norm() / g.norm() * g for t, g in zip(trust, flat[:-1], strict=True)
    ) / sum(trust)

    outcome = _aggregate(strategy("fltrust"), start, sent, root)

    found = torch.cat([d.flatten() for d in dense(outcome.served).values()]) - base
    assert float((found - step).norm() / step.norm()) < 1e-9
    assert trust[-1] == outcome.weights["site-03"] == 0


def test_fltrust_gives_no_trust_to_one_who_sends_the_start_back() -> None:
    start = adapter(0)
    sent = [start, rotated(start, 4), near(start, 1)]

    outcome = _aggregate(strategy("fltrust"), start, sent)

    assert outcome.weights["site-00"] == outcome.weights["site-01"] == 0
    assert outcome.weights["site-02"] > 0


def test_fltrust_keeps_the_start_where_nobody_is_trusted() -> None:
    start = adapter(0)
    sent = [scaled_move(start, near(start, i), -1.0) for i in range(3)]

    outcome = _aggregate(strategy("fltrust"), start, sent)

    assert _move(outcome, start) < 1e-12


def test_fltrust_needs_a_root_that_moved() -> None:
    start = adapter(0)

    with pytest.raises(RecipeError, match="needs an adapter trained on the coordinator's own"):
        strategy("fltrust").aggregate(context(start), votes([near(start, 1)]), {})
    with pytest.raises(RecipeError, match="changed nothing"):
        _aggregate(strategy("fltrust"), start, [near(start, 1)], root=start)


def test_cores_hold_the_changes_exactly_while_the_basis_holds_their_ranks() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(SITES)]

    for module in SIDES:
        found = basis_of(start, sent, module)

        for core, each in zip(cores_of(start, sent, module, found, slice(None)), sent, strict=True):
            change = dense(each)[module] - dense(start)[module]
            assert float((found.u @ core @ found.vt - change).norm() / change.norm()) < 1e-12


def test_a_basis_that_is_too_small_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    from medley_training.strategies import cores

    monkeypatch.setattr(cores, "MOST_DIRECTIONS", 6)
    start = adapter(0)

    outcome = _aggregate(strategy("median"), start, [near(start, i) for i in range(SITES)])

    assert any("of a change's energy lay outside the basis" in note for note in outcome.notes)


def test_a_loud_voter_does_not_turn_the_basis() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(SITES)]
    quiet = basis_of(start, sent, "layers.0.q_proj")

    sent[1] = scaled_move(start, sent[1], 1000.0)
    loud = basis_of(start, sent, "layers.0.q_proj")

    assert float((loud.u.T @ quiet.u).abs().diagonal().min()) > 1 - 1e-6


@pytest.mark.parametrize("in_passes", [False, True])
def test_the_median_of_one_module_is_the_median_of_its_cores(
    in_passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medley_training.strategies import trimmed as rule

    start = adapter(0)
    sent = [near(start, i) for i in range(4)]
    found = basis_of(start, sent, "layers.0.v_proj")
    cores = cores_of(start, sent, "layers.0.v_proj", found, slice(None))
    ordered = cores.sort(dim=0).values
    if in_passes:
        monkeypatch.setattr(rule, "_MOST_VALUES", 100)

    outcome = _aggregate(strategy("median"), start, sent)

    wanted = dense(start)["layers.0.v_proj"] + found.u @ ((ordered[1] + ordered[2]) / 2) @ found.vt
    assert float((dense(outcome.served)["layers.0.v_proj"] - wanted).norm() / wanted.norm()) < 1e-9


@pytest.mark.parametrize(
    ("share", "sites", "left"), [(0.2, 5, 3), (0.2, 10, 6), (0.1, 5, 3), (0.4, 3, 1)]
)
def test_the_trimmed_mean_drops_its_share_at_each_end(share: float, sites: int, left: int) -> None:
    start = adapter(0)

    outcome = _aggregate(
        strategy("trimmed_mean", share=share), start, [near(start, i) for i in range(sites)]
    )

    assert outcome.notes[0] == f"each coordinate is the mean of its {left} middle values of {sites}"


def test_dropping_nothing_is_the_exact_mean() -> None:
    from medley_training.strategies.reproject import Cut

    start = adapter(0)
    sent = [near(start, i) for i in range(SITES)]

    outcome = trimmed(context(start), votes(sent), Cut(), dropped=0)

    assert error(dense(outcome.served), dense_sum(sent, [0.2] * SITES)) < 1e-12
