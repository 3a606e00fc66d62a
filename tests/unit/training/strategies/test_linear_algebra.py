from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.factors import Factors
from medley_training.local.lora import LoraShape
from medley_training.strategies import reproject, strategy
from medley_training.strategies.gram import change_products, distances, inner_products
from medley_training.strategies.krylov import leading_triplets
from medley_training.strategies.reproject import Cut, svd_of, truncated
from medley_training.strategies.stack import ModuleSum, Term

from tests.unit.training.strategies.adapters import (
    SHAPE,
    SIDES,
    adapter,
    context,
    dense,
    dense_sum,
    error,
    near,
    rotated,
    votes,
)

WIDE = {"layers.0.q_proj": (150, 170)}


@settings(max_examples=15)
@given(ranks=st.lists(st.sampled_from([1, 3, 8]), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_inner_products_are_those_of_the_dense_updates(ranks: list[int], seed: int) -> None:
    import torch

    adapters = [adapter(seed + i, replace(SHAPE, rank=rank)) for i, rank in enumerate(ranks)]
    flat = torch.stack([torch.cat([d.flatten() for d in dense(a).values()]) for a in adapters])

    found = inner_products(adapters)

    assert torch.allclose(found, flat @ flat.T, rtol=1e-12, atol=1e-12)
    assert found.equal(found.T)


def test_inner_products_are_the_same_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from medley_training.strategies import gram

    adapters = [adapter(i) for i in range(7)]
    at_once = inner_products(adapters)
    monkeypatch.setattr(gram, "_BLOCK", 3)

    assert torch.allclose(inner_products(adapters), at_once, rtol=1e-12)


def test_changes_and_distances_are_those_of_the_dense_updates() -> None:
    import torch

    start = adapter(0)
    sent = [near(start, i) for i in range(4)]
    flat = torch.stack([torch.cat([d.flatten() for d in dense(a).values()]) for a in sent])
    base = torch.cat([d.flatten() for d in dense(start).values()])

    products = change_products(start, sent)

    assert torch.allclose(products, (flat - base) @ (flat - base).T, rtol=1e-9)
    assert torch.allclose(distances(products), torch.cdist(flat, flat).square(), rtol=1e-9)


def test_a_change_of_nothing_is_exactly_none() -> None:
    start = adapter(0)

    products = change_products(start, [rotated(start, 1), near(start, 1), start])

    assert products[0].tolist() == products[2].tolist() == [0, 0, 0]
    assert products[1, 1] > 0


def _many(count: int, seed: int = 0) -> tuple[ModuleSum, list[Term], LoraShape]:
    shape = LoraShape(rank=4, alpha=8)
    start = adapter(seed, shape, sides=WIDE)
    terms = [Term(1 / count, near(start, seed + i, size=0.3)) for i in range(count)]
    return ModuleSum("layers.0.q_proj", terms), terms, shape


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6), rank=st.integers(1, 12))
def test_block_iteration_finds_the_best_adapter_of_a_rank(seed: int, rank: int) -> None:
    import torch

    total, terms, _ = _many(30, seed)
    wanted = dense_sum([t.adapter for t in terms], [t.coefficient for t in terms])
    values = torch.linalg.svdvals(wanted["layers.0.q_proj"])

    found = leading_triplets(total, rank)

    missed = float((found.u * found.s @ found.vt - wanted["layers.0.q_proj"]).norm())
    assert missed == pytest.approx(float(values[rank:].norm()), rel=1e-6)
    assert torch.allclose(found.s, values[:rank], rtol=1e-6)
    eye = torch.eye(rank, dtype=torch.float64)
    assert torch.allclose(found.u.T @ found.u, eye, atol=1e-10)
    assert torch.allclose(found.vt @ found.vt.T, eye, atol=1e-10)


def test_block_iteration_stays_close_where_the_values_hardly_fall() -> None:
    """Forty unrelated adapters: no gap after the rank, and still the least error to a millionth."""
    import torch

    terms = [Term(1 / 40, adapter(i, LoraShape(rank=8, alpha=8), sides=WIDE)) for i in range(40)]
    wanted = dense_sum([t.adapter for t in terms], [t.coefficient for t in terms])
    values = torch.linalg.svdvals(wanted["layers.0.q_proj"])

    found = leading_triplets(ModuleSum("layers.0.q_proj", terms), 8)

    missed = float((found.u * found.s @ found.vt - wanted["layers.0.q_proj"]).norm())
    assert missed <= float(values[8:].norm()) * (1 + 1e-6)


def test_block_iteration_gives_the_same_bits_twice() -> None:
    total, _, _ = _many(20)

    one, two = leading_triplets(total, 4), leading_triplets(total, 4)

    assert one.u.equal(two.u)
    assert one.s.equal(two.s)


def test_a_strategy_past_the_limit_iterates_and_says_how_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, terms, shape = _many(12)
    start = adapter(0, shape, sides=WIDE)
    sent = votes([term.adapter for term in terms])
    rule = strategy("stacking", rank=4)
    exact = rule.aggregate(context(start, shape=shape), sent, {})
    assert exact.notes == ()
    monkeypatch.setattr(reproject, "MOST_COLUMNS", 16)

    outcome = rule.aggregate(context(start, shape=shape), sent, {})

    assert "rounds of block iteration" in outcome.notes[0]
    assert error(dense(outcome.served), dense(exact.served)) < 1e-7


def test_a_zero_sum_has_no_direction() -> None:
    one = adapter(0)
    terms = [Term(1.0, one), Term(-1.0, one)]

    found = svd_of(ModuleSum("layers.0.q_proj", terms))

    assert float(found.s[0]) < 1e-12


def test_signs_do_not_depend_on_how_the_factors_were_turned() -> None:
    one = adapter(0)

    plain = svd_of(ModuleSum("layers.0.q_proj", [Term(1.0, one)]))
    turned = svd_of(ModuleSum("layers.0.q_proj", [Term(1.0, rotated(one, 3))]))

    assert float((plain.u - turned.u).abs().max()) < 1e-9
    assert bool((plain.u.gather(0, plain.u.abs().argmax(0, keepdim=True)) > 0).all())


def test_factors_are_balanced() -> None:
    found = svd_of(ModuleSum("layers.0.q_proj", [Term(1.0, adapter(0))]))

    factors = found.factors(4, scale=2.0)

    gram_a, gram_b = factors.a @ factors.a.T, factors.b.T @ factors.b
    assert float((gram_a - gram_b).abs().max()) < 1e-12
    assert factors.scale == 2.0


def test_a_site_of_the_same_rank_starts_from_the_same_tensors() -> None:
    start = adapter(0)

    assert truncated(start, SHAPE).factors("layers.0.q_proj") is start.factors("layers.0.q_proj")


def test_a_smaller_site_starts_a_fresh_adapter_with_the_first_rows() -> None:
    start = adapter(0, size=0.0)

    small = truncated(start, LoraShape(rank=2, alpha=4))

    for module in SIDES:
        assert small.factors(module).a.equal(start.factors(module).a[:2])
        assert not small.factors(module).b.any()


@pytest.mark.parametrize("use_rslora", [False, True])
def test_a_smaller_site_starts_from_the_best_adapter_of_its_rank(use_rslora: bool) -> None:
    import torch

    start, shape = adapter(0), LoraShape(rank=2, alpha=6, use_rslora=use_rslora)

    small = truncated(start, shape)

    for module, wanted in dense(start).items():
        missed = float((dense(small)[module] - wanted).norm())
        assert missed == pytest.approx(float(torch.linalg.svdvals(wanted)[2:].norm()))
        assert (small.factors(module).rank, small.factors(module).scale) == (2, shape.scale)


def test_another_alpha_at_the_same_rank_keeps_the_product() -> None:
    start = adapter(0)

    other = truncated(start, replace(SHAPE, alpha=3))

    assert error(dense(other), dense(start)) < 1e-6
    assert isinstance(other.factors("layers.0.q_proj"), Factors)


def test_a_site_cannot_have_a_larger_rank() -> None:
    with pytest.raises(RecipeError, match="rank 8 is more than the start's, 4"):
        truncated(adapter(0), replace(SHAPE, rank=8))


@pytest.mark.parametrize("values", [(0, None), (None, 0.0), (None, 1.5)])
def test_a_cut_out_of_range_is_refused(values: tuple[int | None, float | None]) -> None:
    with pytest.raises(RecipeError, match=r"is .*, not"):
        Cut(*values)
