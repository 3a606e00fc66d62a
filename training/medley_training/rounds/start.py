"""The adapter that a run's first round starts from."""

import math
from typing import TYPE_CHECKING

from medley_registry.bases import BaseModel

from medley_training.errors import RecipeError
from medley_training.factors import Factors, TensorAdapter
from medley_training.local.lora import LoraShape

if TYPE_CHECKING:
    from torch import Generator, Tensor


def first_start(
    base: BaseModel, shape: LoraShape, *, seed: int, orthonormal: bool
) -> TensorAdapter:
    """One adapter for all sites that does not change the base's answers yet: B is zero.

    Everybody starting from the same A is what makes averages of factors meaningful, and FFA-LoRA's
    frozen A shared. A is drawn as PEFT draws it (uniform, as `torch.nn.Linear` starts), or with
    orthonormal rows, which product clipping needs (`medley_training.privacy.product`).

    Raises:
        RecipeError: The base has none of the target modules, or one is narrower than the rank.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    factors = {}
    for module in _targets(base, shape):
        outputs, inputs = base.module_shapes[module]
        if shape.rank > min(outputs, inputs):
            raise RecipeError(f"rank {shape.rank} is more than {module} of {base.name} can hold")
        draw = _orthonormal_rows if orthonormal else _as_peft
        a = draw(shape.rank, inputs, generator)
        factors[module] = Factors(a, torch.zeros(outputs, shape.rank), shape.scale)
    return TensorAdapter(factors)


def _targets(base: BaseModel, shape: LoraShape) -> list[str]:
    targets = [
        module
        for module in sorted(base.module_shapes)
        if module.rsplit(".", 1)[-1] in shape.target_modules
    ]
    missing = set(shape.target_modules) - {module.rsplit(".", 1)[-1] for module in targets}
    if missing:
        raise RecipeError(f"{base.name} has no module {min(missing)!r} for lora.target_modules")
    return targets


def _as_peft(rank: int, inputs: int, generator: "Generator") -> "Tensor":
    import torch

    bound = 1 / math.sqrt(inputs)
    return torch.rand(rank, inputs, generator=generator) * (2 * bound) - bound


def _orthonormal_rows(rank: int, inputs: int, generator: "Generator") -> "Tensor":
    import torch

    drawn = torch.randn(inputs, rank, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(drawn)
    return (q * torch.sign(torch.diagonal(r))).T.to(torch.float32).contiguous()
