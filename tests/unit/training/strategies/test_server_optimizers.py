from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.factors import Adapter
from medley_training.strategies import State, strategy

from tests.unit.training.strategies.adapters import (
    SIDES,
    adapter,
    context,
    dense,
    error,
    near,
    votes,
)

if TYPE_CHECKING:
    from torch import Tensor


def _adam(v: "Tensor", g: "Tensor", beta2: float) -> "Tensor":
    return beta2 * v + (1 - beta2) * g**2


def _yogi(v: "Tensor", g: "Tensor", beta2: float) -> "Tensor":
    import torch

    return v - (1 - beta2) * g**2 * torch.sign(v - g**2)


@settings(max_examples=10)
@given(
    seed=st.integers(0, 10**6),
    options=st.fixed_dictionaries(
        {
            "learning_rate": st.floats(1e-4, 1.0),
            "beta1": st.floats(0, 0.99),
            "beta2": st.floats(0, 0.999),
            "tau": st.floats(1e-6, 1e-1),
        }
    ),
)
@pytest.mark.parametrize(("name", "second"), [("fedadam", _adam), ("fedyogi", _yogi)])
def test_three_rounds_are_those_of_the_plain_reference(
    name: str,
    second: "Callable[[Tensor, Tensor, float], Tensor]",
    seed: int,
    options: dict[str, float],
) -> None:
    """Algorithm 2 of arXiv:2003.00295 on one plain vector per factor."""
    import torch

    rule = strategy(name, **options)
    rate, tau = options["learning_rate"], options["tau"]
    beta1, beta2 = options["beta1"], options["beta2"]
    shares, module = [0.2, 0.5, 0.3], "layers.0.q_proj"
    start: Adapter = adapter(seed)
    state: State = {}
    x = start.factors(module).b.double()
    m, v = torch.zeros_like(x), torch.full_like(x, tau**2)
    for number in (1, 2, 3):
        sent = [near(start, seed + number * 10 + i) for i in range(3)]
        parts = zip(sent, shares, strict=True)
        change = sum(w * (each.factors(module).b.double() - x) for each, w in parts)
        m = beta1 * m + (1 - beta1) * change
        v = second(v, change, beta2)
        x = x + rate * m / (torch.sqrt(v) + tau)

        outcome = rule.aggregate(context(start, round_number=number), votes(sent, shares), state)
        start, state = outcome.next_start, outcome.state

        assert float((start.factors(module).b - x).abs().max()) < 1e-9 * (1 + float(x.abs().max()))


@pytest.mark.parametrize("name", ["fedadam", "fedyogi"])
def test_a_round_in_which_nobody_moves_leaves_the_start(name: str) -> None:
    start = adapter(0)

    outcome = strategy(name).aggregate(context(start), votes([start] * 3), {})

    assert error(dense(outcome.served), dense(start)) < 1e-12


def test_yogi_forgets_a_loud_round_more_slowly_than_adam() -> None:
    start = adapter(0)
    loud, quiet = [near(start, 1, size=1.0)], [near(start, 2, size=1e-3)]

    found = {}
    for name in ("fedadam", "fedyogi"):
        rule = strategy(name)
        state = rule.aggregate(context(start), votes(loud), {}).state
        for _ in range(50):
            state = rule.aggregate(context(start), votes(quiet), state).state
        found[name] = float(state["v.layers.0.q_proj.B"].mean())

    assert found["fedyogi"] > 1.4 * found["fedadam"]


@pytest.mark.parametrize(
    "options", [{"learning_rate": 0.0}, {"tau": 0.0}, {"beta1": 1.0}, {"beta2": -0.1}]
)
@pytest.mark.parametrize("name", ["fedadam", "fedyogi"])
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(RecipeError):
        strategy(name, **options)


def test_the_state_is_named_by_module_and_factor() -> None:
    start = adapter(0)

    state = strategy("fedadam").aggregate(context(start), votes([near(start, 1)]), {}).state

    assert sorted(state) == sorted(
        f"{moment}.{module}.{half}" for moment in "mv" for module in SIDES for half in "AB"
    )
