"""Small adapters whose dense update is known, for tests of strategies."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medley_training.factors import Adapter, Factors, TensorAdapter
from medley_training.local.lora import LoraShape
from medley_training.strategies import Context, Vote

if TYPE_CHECKING:
    from torch import Tensor

SIDES = {"layers.0.q_proj": (20, 24), "layers.0.v_proj": (12, 24)}
SHAPE = LoraShape(rank=4, alpha=8)


def adapter(
    seed: int,
    shape: LoraShape = SHAPE,
    *,
    size: float = 1.0,
    sides: dict[str, tuple[int, int]] = SIDES,
) -> TensorAdapter:
    """Random factors in float32; `size` multiplies B."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return TensorAdapter(
        {
            module: Factors(
                torch.randn(shape.rank, inputs, generator=generator) / math.sqrt(inputs),
                torch.randn(outputs, shape.rank, generator=generator) * size,
                shape.scale,
            )
            for module, (outputs, inputs) in sides.items()
        }
    )


def near(start: Adapter, seed: int, *, size: float = 0.1, common: int = 1) -> TensorAdapter:
    """`start` after a training: a move that those with the same `common` share, and one's own."""
    import torch

    moved = {}
    for index, module in enumerate(start.modules):
        factors = start.factors(module)
        shared = torch.Generator().manual_seed(1000 * common + index)
        own = torch.Generator().manual_seed(7919 * (seed + 1) + index)
        halves = []
        for half in (factors.a, factors.b):
            move = torch.randn(half.shape, generator=shared)
            move += 0.3 * torch.randn(half.shape, generator=own)
            halves.append(half + size * move.to(half.dtype))
        moved[module] = Factors(halves[0], halves[1], factors.scale)
    return TensorAdapter(moved)


def dense(adapter: Adapter) -> "dict[str, Tensor]":
    """The update itself, which the strategies never form."""
    import torch

    found = {}
    for module in adapter.modules:
        factors = adapter.factors(module)
        product = factors.b.to(torch.float64) @ factors.a.to(torch.float64)
        found[module] = factors.scale * product
    return found


def dense_sum(adapters: Sequence[Adapter], weights: Sequence[float]) -> "dict[str, Tensor]":
    """The weighted sum of dense updates."""
    parts = [dense(each) for each in adapters]
    return {
        module: sum(w * part[module] for w, part in zip(weights, parts, strict=True))
        for module in parts[0]
    }


def error(found: "dict[str, Tensor]", wanted: "dict[str, Tensor]") -> float:
    """The relative error in the Frobenius norm, over all modules."""
    missed = sum(float((found[m] - wanted[m]).square().sum()) for m in wanted)
    return math.sqrt(missed / sum(float(wanted[m].square().sum()) for m in wanted))


def context(start: Adapter, *, shape: LoraShape = SHAPE, round_number: int = 1) -> Context:
    return Context(start=start, round=round_number, shape=shape)


def votes(adapters: Sequence[Adapter], weights: Sequence[float] | None = None) -> list[Vote]:
    """One vote per adapter, named by its position, with a loss that rises with it."""
    shares = weights or [1 / len(adapters)] * len(adapters)
    return [
        Vote(participant=f"site-{i:02}", adapter=each, weight=share, loss=1.0 + 0.2 * i)
        for i, (each, share) in enumerate(zip(adapters, shares, strict=True))
    ]


def rotated(adapter: Adapter, seed: int) -> TensorAdapter:
    """The same products from other factors: B Q and Q^-1 A with a random orthogonal Q."""
    import torch

    turned = {}
    for module in adapter.modules:
        factors = adapter.factors(module)
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(factors.rank, factors.rank, generator=generator, dtype=torch.float64)
        q, _ = torch.linalg.qr(drawn)
        a, b = factors.a.to(q.dtype), factors.b.to(q.dtype)
        turned[module] = Factors(q.T @ a, b @ q, factors.scale)
    return TensorAdapter(turned)


def scaled_move(start: Adapter, moved: Adapter, factor: float) -> TensorAdapter:
    """``start + factor (moved - start)`` as products, in twice the rank."""
    import torch

    found = {}
    for module in start.modules:
        s, m = start.factors(module), moved.factors(module)
        b = torch.cat([m.b * (factor * m.scale), s.b * ((1 - factor) * s.scale)], 1)
        found[module] = Factors(torch.cat([m.a, s.a]), b, 1.0)
    return TensorAdapter(found)


def attacked(start: Adapter, moved: Adapter, factor: float) -> TensorAdapter:
    """What a liar sends in place of `moved`: its change of each factor times `factor`."""
    found = {}
    for module in start.modules:
        s, m = start.factors(module), moved.factors(module)
        found[module] = Factors(s.a + factor * (m.a - s.a), s.b + factor * (m.b - s.b), m.scale)
    return TensorAdapter(found)
