import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.factors import Adapter
from medley_training.strategies import strategy

from tests.unit.training.strategies.adapters import (
    SIDES,
    adapter,
    context,
    dense,
    error,
    near,
    votes,
)


@settings(max_examples=15)
@given(
    q=st.floats(0, 5),
    rate=st.floats(1e-3, 1.0),
    losses=st.lists(st.floats(0.01, 5.0), min_size=3, max_size=3),
    seed=st.integers(0, 10**6),
)
def test_the_step_is_the_papers_algorithm_2(
    q: float, rate: float, losses: list[float], seed: int
) -> None:
    """On one flat vector of all factors, p_k by weight."""
    import torch

    start = adapter(seed)
    sent = [near(start, seed + i) for i in range(3)]
    shares, lipschitz = [0.2, 0.5, 0.3], 1 / rate

    def flat(each: Adapter) -> torch.Tensor:
        factors = [each.factors(module) for module in SIDES]
        return torch.cat([half.double().flatten() for f in factors for half in (f.a, f.b)])

    w = flat(start)
    deltas = [lipschitz * (w - flat(each)) for each in sent]
    h = [
        q * loss ** (q - 1) * float(delta.norm()) ** 2 + lipschitz * loss**q
        for loss, delta in zip(losses, deltas, strict=True)
    ]
    top = sum(p * loss**q * d for p, loss, d in zip(shares, losses, deltas, strict=True))
    wanted = w - top / sum(p * each for p, each in zip(shares, h, strict=True))
    ballots = [
        replace(vote, loss=loss) for vote, loss in zip(votes(sent, shares), losses, strict=True)
    ]

    outcome = strategy("qffl", q=q, learning_rate=rate).aggregate(context(start), ballots, {})

    assert float((flat(outcome.served) - wanted).norm() / wanted.norm()) < 1e-9


def test_with_q_of_zero_it_is_fedavg() -> None:
    start = adapter(0)
    sent, shares = [near(start, i) for i in range(4)], [0.1, 0.2, 0.3, 0.4]

    fair = strategy("qffl", q=0.0).aggregate(context(start), votes(sent, shares), {})
    plain = strategy("fedavg").aggregate(context(start), votes(sent, shares), {})

    assert error(dense(fair.served), dense(plain.served)) < 1e-12
    assert fair.weights == pytest.approx(plain.weights)


def test_a_larger_q_looks_more_at_those_who_are_worse_off() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(3)]

    ratios = []
    for q in (0.0, 1.0, 3.0):
        rule = strategy("qffl", q=q)
        found = rule.aggregate(context(start), votes(sent), {}).weights
        ratios.append(found["site-02"] / found["site-00"])

    assert ratios == pytest.approx([1.0, 1.4, 1.4**3])


def test_the_step_shortens_as_q_grows() -> None:
    start = adapter(0)
    sent = [near(start, i) for i in range(3)]

    sums = [
        math.fsum(strategy("qffl", q=q).aggregate(context(start), votes(sent), {}).weights.values())
        for q in (0.0, 0.5, 2.0)
    ]

    assert sums[0] == pytest.approx(1)
    assert sums == sorted(sums, reverse=True)


def test_a_loss_of_zero_does_not_divide_by_it() -> None:
    start = adapter(0)
    ballots = [replace(vote, loss=0.0) for vote in votes([near(start, 1), near(start, 2)])]

    outcome = strategy("qffl", q=0.5).aggregate(context(start), ballots, {})

    assert all(math.isfinite(weight) for weight in outcome.weights.values())


def test_a_vote_without_its_loss_is_refused() -> None:
    start = adapter(0)
    ballots = [replace(vote, loss=None) for vote in votes([near(start, 1)])]

    with pytest.raises(RecipeError, match="needs the loss of the start at site-00"):
        strategy("qffl").aggregate(context(start), ballots, {})
    assert strategy("qffl").needs_loss
