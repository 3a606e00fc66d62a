from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.local.lora import LoraShape
from medley_training.privacy.accountant import Release, epsilon_of
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.product import (
    privatise_product,
    product_spending,
)
from medley_training.privacy.randomness import Randomness

from tests.unit.training.privacy.private_training import silent

if TYPE_CHECKING:
    from torch import Tensor

SHAPE = LoraShape(rank=3, alpha=12)
MODULES = {"layers.0.q_proj": (20, 7), "layers.1.v_proj": (11, 30)}


def _start(seed: int) -> "dict[str, Tensor]":
    import torch

    generator, tensors = torch.Generator().manual_seed(seed), {}
    for module, (outputs, inputs) in MODULES.items():
        q, _ = torch.linalg.qr(torch.randn(inputs, 3, generator=generator, dtype=torch.float64))
        tensors[f"base_model.model.{module}.lora_A.weight"] = q.T.float().contiguous()
        tensors[f"base_model.model.{module}.lora_B.weight"] = torch.randn(
            outputs, 3, generator=generator
        )
    return tensors


def _trained(start: "dict[str, Tensor]", seed: int, *, size: float) -> "dict[str, Tensor]":
    import torch

    generator = torch.Generator().manual_seed(seed)
    return {
        name: tensor + size * torch.randn(tensor.shape, generator=generator)
        for name, tensor in start.items()
        if ".lora_B." in name
    }


def _product_norm(after: "dict[str, Tensor]", start: "dict[str, Tensor]") -> float:
    """Of the dense change of all modules, ||s (B - B_start) A||."""
    total = 0.0
    for name, b in after.items():
        a = start[name.replace(".lora_B.", ".lora_A.")].double()
        total += float((SHAPE.scale * (b.double() - start[name].double()) @ a).square().sum())
    return float(total**0.5)


@given(seed=st.integers(0, 2**16), size=st.floats(1e-3, 1e3), clip=st.floats(1e-2, 1e2))
def test_the_dense_product_is_clipped_and_keeps_its_direction(
    seed: int, size: float, clip: float
) -> None:
    import torch

    start = _start(seed)
    trained = _trained(start, seed + 1, size=size)

    sent = privatise_product(
        trained, start, SHAPE, clip=clip, noise_multiplier=1.0, randomness=silent(0)
    )

    norm = _product_norm(trained, start)
    assert _product_norm(sent, start) == pytest.approx(min(norm, clip), rel=1e-3, abs=1e-4)
    changes = [
        torch.cat([(after[name] - start[name]).double().flatten() for name in trained])
        for after in (trained, sent)
    ]
    if clip > 0.1:
        assert float(torch.cosine_similarity(*changes, dim=0)) > 0.999


def test_the_noise_on_the_product_has_the_promised_spread() -> None:
    import torch

    start = _start(1)
    b = {name: tensor for name, tensor in start.items() if ".lora_B." in name}

    draws = []
    for seed in range(200):
        sent = privatise_product(
            b, start, SHAPE, clip=0.5, noise_multiplier=3.0, randomness=Randomness.seeded(seed)
        )
        draws.append(torch.cat([(SHAPE.scale * (sent[n] - b[n])).flatten() for n in b]))
        norm = _product_norm(sent, start)
        assert norm == pytest.approx(float(draws[-1].norm()), rel=1e-4), "the map is an isometry"

    noise = torch.stack(draws)
    assert float(noise.std()) == pytest.approx(1.5, rel=0.03)
    assert float(noise.mean()) == pytest.approx(0, abs=0.05)


def test_the_systems_noise_differs_each_time() -> None:
    start = _start(1)
    b = {name: tensor for name, tensor in start.items() if ".lora_B." in name}

    one, other = (
        privatise_product(b, start, SHAPE, clip=1.0, noise_multiplier=1.0) for _ in range(2)
    )

    assert not any(one[name].equal(other[name]) for name in b)


def test_rows_that_are_not_orthonormal_are_refused() -> None:
    start = _start(2)
    name = next(iter(start))
    start[name] = 1.01 * start[name]

    with pytest.raises(RecipeError, match="orthonormal"):
        privatise_product(
            _trained(start, 3, size=1.0), start, SHAPE, clip=1.0, noise_multiplier=1.0
        )


def test_a_trained_a_is_refused() -> None:
    start = _start(2)

    for trained in (start, {}):
        with pytest.raises(RecipeError, match="ffa"):
            privatise_product(trained, start, SHAPE, clip=1.0, noise_multiplier=1.0)


def test_a_change_of_nothing_is_sent_as_noise_alone() -> None:
    start = _start(2)
    b = {name: tensor for name, tensor in start.items() if ".lora_B." in name}

    sent = privatise_product(b, start, SHAPE, clip=1.0, noise_multiplier=1.0, randomness=silent(0))

    assert all(tensor.equal(b[name]) for name, tensor in sent.items())


def test_a_site_counts_what_the_coordinator_can_learn() -> None:
    """Two data sets can be 2 clip apart, so the noise is worth half."""
    config = PrivacyConfig(mechanism="product", noise_multiplier=4.0)

    spending = product_spending(Release("run", 1, "n"), config)

    assert (spending.sample_rate, spending.noise_multiplier, spending.steps) == (1.0, 2.0, 1)
    with_all_of_it = replace(spending, noise_multiplier=4.0)
    assert epsilon_of([spending], delta=1e-5) > epsilon_of([with_all_of_it], delta=1e-5)
