from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import IncompatibleAdapter, RecipeError
from medley_training.factors import Adapter, Factors, TensorAdapter, write_adapter
from medley_training.local.lora import LoraShape
from medley_training.strategies import Vote, strategy
from medley_training.strategies.stack import ModuleSum, Term, stacked

from tests.unit.training.strategies.adapters import (
    SHAPE,
    SIDES,
    adapter,
    context,
    dense,
    dense_sum,
    error,
    near,
    votes,
)

WEIGHTS = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6)


def _with_start_half(moved: Adapter, start: Adapter, half: str) -> TensorAdapter:
    """`moved` with one factor as in the start, as a site sends it that did not train it."""
    found = {}
    for module in start.modules:
        m, s = moved.factors(module), start.factors(module)
        a, b = (s.a, m.b) if half == "A" else (m.a, s.b)
        found[module] = Factors(a, b, m.scale)
    return TensorAdapter(found)


@settings(max_examples=15)
@given(weights=WEIGHTS, seed=st.integers(0, 10**6))
@pytest.mark.parametrize("name", ["stacking", "fedex"])
def test_the_served_adapter_is_the_dense_sum(name: str, weights: list[float], seed: int) -> None:
    adapters = [adapter(seed + i) for i in range(len(weights))]

    outcome = strategy(name).aggregate(context(adapters[0]), votes(adapters, weights), {})

    shares = [weight / sum(weights) for weight in weights]
    assert error(dense(outcome.served), dense_sum(adapters, shares)) < 1e-12
    assert list(outcome.weights.values()) == pytest.approx(shares)


@settings(max_examples=15)
@given(
    ranks=st.lists(st.sampled_from([1, 2, 4, 8, 16]), min_size=1, max_size=5),
    use_rslora=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_stacking_is_exact_over_mixed_ranks_and_scales(
    ranks: list[int], use_rslora: bool, seed: int
) -> None:
    shape = replace(SHAPE, use_rslora=use_rslora)
    adapters = [
        adapter(seed + i, replace(shape, rank=rank, alpha=3 + i)) for i, rank in enumerate(ranks)
    ]
    start = adapter(seed, shape)

    outcome = strategy("stacking").aggregate(context(start, shape=shape), votes(adapters), {})

    wanted = dense_sum(adapters, [1 / len(ranks)] * len(ranks))
    assert error(dense(outcome.served), wanted) < 1e-12
    for module in outcome.next_start.modules:
        factors = outcome.next_start.factors(module)
        assert (factors.rank, factors.scale) == (shape.rank, shape.scale)


@pytest.mark.parametrize("participants", [3, 10])
def test_what_is_written_to_disk_is_within_a_millionth(participants: int, tmp_path: Path) -> None:
    from medley_training.factors import AdapterFile

    adapters = [adapter(i, replace(SHAPE, rank=4 << i % 3)) for i in range(participants)]
    outcome = strategy("stacking").aggregate(context(adapter(99)), votes(adapters), {})
    folder = tmp_path / "served"

    write_adapter(outcome.served, folder, SHAPE, base_name="tiny")

    rank = max(outcome.served.factors(m).rank for m in outcome.served.modules)
    written = AdapterFile(folder / "adapter_model.safetensors", LoraShape(rank=rank, alpha=rank))
    wanted = dense_sum(adapters, [1 / participants] * participants)
    assert error(dense(written), wanted) < 1e-6


def test_fedavg_misses_the_dense_sum_and_fedex_says_by_how_much() -> None:
    adapters = [adapter(i) for i in range(3)]
    mean = strategy("fedavg").aggregate(context(adapters[0]), votes(adapters), {})

    fedex = strategy("fedex").aggregate(context(adapters[0]), votes(adapters), {})

    missed = error(dense(mean.served), dense_sum(adapters, [1 / 3] * 3))
    assert missed > 0.1
    assert f"{missed:.2e}" in fedex.notes[0]
    for module in SIDES:
        assert fedex.next_start.factors(module).b.equal(mean.served.factors(module).b)
        assert fedex.next_start.factors(module).a.equal(mean.served.factors(module).a)


@settings(max_examples=15)
@given(weights=WEIGHTS, seed=st.integers(0, 10**6))
@pytest.mark.parametrize(
    ("name", "round_number", "kept"),
    [("ffa", 1, "A"), ("ffa", 2, "A"), ("rolora", 1, "A"), ("rolora", 2, "B")],
)
def test_one_shared_factor_makes_the_mean_exact(
    name: str, round_number: int, kept: str, weights: list[float], seed: int
) -> None:
    start = adapter(seed)
    moved = [_with_start_half(near(start, seed + i), start, kept) for i in range(len(weights))]
    rule = strategy(name)

    outcome = rule.aggregate(context(start, round_number=round_number), votes(moved, weights), {})

    shares = [weight / sum(weights) for weight in weights]
    assert error(dense(outcome.served), dense_sum(moved, shares)) < 1e-12
    assert rule.trained(round_number) == {"A", "B"} - {kept}


@pytest.mark.parametrize("name", ["ffa", "rolora"])
def test_a_factor_that_was_not_to_be_trained_must_be_the_starts(name: str) -> None:
    start = adapter(1)

    with pytest.raises(IncompatibleAdapter, match=r"site-00: the factor of .* has changed"):
        strategy(name).aggregate(context(start), votes([near(start, 2)]), {})


@pytest.mark.parametrize("name", ["fedavg", "fedprox", "fedex", "fedadam", "fedyogi", "qffl"])
def test_rules_on_factors_refuse_mixed_ranks_and_name_one_that_does_not(name: str) -> None:
    adapters = [adapter(0), adapter(1, LoraShape(rank=2, alpha=8))]

    with pytest.raises(RecipeError, match=r"site-01 trained rank 2, not 4: .*'stacking'"):
        strategy(name).aggregate(context(adapters[0]), votes(adapters), {})


def test_a_mean_counts_each_vote_by_its_own_scale() -> None:
    one, two = adapter(1), adapter(2)
    doubled = TensorAdapter(
        {m: Factors(f.a, f.b / 2, 2 * f.scale) for m in two.modules for f in [two.factors(m)]}
    )

    plain = strategy("fedavg").aggregate(context(one), votes([one, two]), {})
    other = strategy("fedavg").aggregate(context(one), votes([one, doubled]), {})

    assert error(dense(other.served), dense(plain.served)) < 1e-12


def test_a_stack_is_never_wider_than_the_weight() -> None:
    adapters = [adapter(i, LoraShape(rank=16, alpha=16)) for i in range(4)]
    terms = [Term(0.25, each) for each in adapters]

    for module, sides in SIDES.items():
        factors = stacked(ModuleSum(module, terms))

        assert factors is not None
        assert factors.rank == min(sides)
        wanted = dense_sum(adapters, [0.25] * 4)[module]
        assert float((factors.b @ factors.a - wanted).norm() / wanted.norm()) < 1e-14


def test_stacking_gives_up_at_its_limit() -> None:
    adapters = [adapter(i) for i in range(3)]
    terms = [Term(1 / 3, each) for each in adapters]

    assert stacked(ModuleSum("layers.0.q_proj", terms), 11) is None
    assert stacked(ModuleSum("layers.0.q_proj", terms), 12) is not None


def test_an_energy_share_keeps_no_more_than_it_needs() -> None:
    import torch

    adapters = [adapter(i) for i in range(4)]
    wanted = dense_sum(adapters, [0.25] * 4)

    outcome = strategy("stacking", energy=0.8).aggregate(context(adapters[0]), votes(adapters), {})

    for module, total in wanted.items():
        energies = torch.linalg.svdvals(total).square()
        rank = outcome.served.factors(module).rank
        shares = energies.cumsum(0) / energies.sum()
        assert shares[rank - 1] >= 0.8 > shares[rank - 2]


@settings(max_examples=10)
@given(rank=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_a_served_rank_is_the_best_of_that_rank(rank: int, seed: int) -> None:
    import torch

    adapters = [adapter(seed + i) for i in range(3)]
    wanted = dense_sum(adapters, [1 / 3] * 3)

    outcome = strategy("stacking", rank=rank).aggregate(context(adapters[0]), votes(adapters), {})

    for module, found in dense(outcome.served).items():
        best = torch.linalg.svdvals(wanted[module])[rank:].norm()
        assert float((found - wanted[module]).norm()) == pytest.approx(float(best), abs=1e-10)


def test_carrying_loses_nothing_over_rounds_of_a_small_rank() -> None:
    """With sites that send back the start, the served sum stays what the first round learnt."""
    rule = strategy("stacking", carry=True)
    adapters = [adapter(i) for i in range(3)]
    first = rule.aggregate(context(adapters[0]), votes(adapters), {})
    wanted = dense_sum(adapters, [1 / 3] * 3)

    second = rule.aggregate(
        context(first.next_start, round_number=2), votes([first.next_start] * 3), first.state
    )

    assert error(dense(second.served), wanted) < 1e-12
    assert error(dense(first.next_start), wanted) > 0.1
    forgetful = strategy("stacking").aggregate(
        context(first.next_start, round_number=2), votes([first.next_start] * 3), {}
    )
    assert error(dense(forgetful.served), wanted) > 0.1


def test_carrying_within_a_rank_keeps_the_state_within_it() -> None:
    rule = strategy("stacking", carry=True, rank=6)
    adapters = [adapter(i) for i in range(3)]
    outcome = rule.aggregate(context(adapters[0]), votes(adapters), {})

    for number in (2, 3):
        moved = [near(outcome.next_start, i) for i in range(3)]
        before = outcome
        outcome = rule.aggregate(
            context(before.next_start, round_number=number), votes(moved), before.state
        )

    assert {tensor.shape[0] for name, tensor in outcome.state.items() if name.endswith(".A")} == {2}
    assert {outcome.served.factors(module).rank for module in SIDES} == {6}


def test_the_next_start_can_learn_where_the_update_has_less_than_its_rank() -> None:
    low = LoraShape(rank=1, alpha=8)
    start = adapter(5)

    outcome = strategy("stacking").aggregate(context(start), votes([adapter(1, low)]), {})

    for module in SIDES:
        factors = outcome.next_start.factors(module)
        assert factors.rank == SHAPE.rank
        assert bool((factors.a.norm(dim=1) > 0).all())
    assert error(dense(outcome.next_start), dense(adapter(1, low))) < 1e-12


def test_an_update_of_zero_starts_like_a_fresh_adapter() -> None:
    start = adapter(5, size=0.0)

    outcome = strategy("stacking").aggregate(context(start), votes([start, start]), {})

    for module in SIDES:
        factors = outcome.next_start.factors(module)
        assert factors.a.equal(start.factors(module).a.double())
        assert not factors.b.any()
        assert not dense(outcome.served)[module].any()


def test_the_same_votes_in_another_order_give_the_same_bits() -> None:
    adapters = [adapter(i) for i in range(5)]
    some: list[Vote] = votes(adapters, [0.1, 0.3, 0.2, 0.15, 0.25])

    for name in ("fedavg", "stacking", "fedex", "fedadam", "fedyogi", "qffl"):
        one = strategy(name).aggregate(context(adapters[0]), some, {})
        two = strategy(name).aggregate(context(adapters[0]), some[::-1], {})
        for module in SIDES:
            assert one.served.factors(module).a.equal(two.served.factors(module).a)
            assert one.served.factors(module).b.equal(two.served.factors(module).b)
            assert one.next_start.factors(module).a.equal(two.next_start.factors(module).a)


@pytest.mark.parametrize("name", ["stacking", "fedadam"])
def test_the_state_can_be_written_and_read_back(name: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    rule = strategy(name, carry=True) if name == "stacking" else strategy(name)
    start = adapter(0)
    first = rule.aggregate(context(start), votes([near(start, i) for i in range(3)]), {})
    save_file(dict(first.state), tmp_path / "state.safetensors")

    there = context(first.next_start, round_number=2)
    sent = votes([near(first.next_start, i) for i in range(3)])
    straight = rule.aggregate(there, sent, first.state)
    resumed = rule.aggregate(there, sent, load_file(tmp_path / "state.safetensors"))

    for module in SIDES:
        assert straight.served.factors(module).b.equal(resumed.served.factors(module).b)
