"""The largest singular values of a sum too wide to be stacked, by passes over its terms."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.factors import Factors

if TYPE_CHECKING:
    from torch import Tensor

_SPARE = 16  # columns beyond the rank asked for; they speed up the last values' convergence
_MOST_ROUNDS = 12
_ENOUGH = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class Triplets:
    """The largest singular values with their vectors.

    Attributes:
        rounds: Rounds of iteration taken.
        gain: The share of the captured energy that the last round added.
    """

    u: "Tensor"
    s: "Tensor"
    vt: "Tensor"
    rounds: int
    gain: float


def leading_triplets(terms: Iterable[Factors], rank: int) -> Triplets:
    """The `rank` largest singular triplets of the sum of `terms`, which have scale 1.

    Block Krylov iteration (Musco and Musco, "Randomized Block Krylov Methods", arXiv:1504.05477)
    from a fixed start, so that the same terms give the same bits. Each round reads the terms
    twice. The captured energy can only rise; the iteration stops when a round adds less than 1e-13
    of it, or after 12 rounds, and reports what the last one added: g of the energy lacking is
    sqrt(g) of the norm. Where the singular values fall off after `rank` the error is far below a
    millionth; where they hardly fall, vectors stay mixed among nearly equal values, which changes
    the distance to the sum little: after q rounds it is at most ``1 + O(log(n)^2 / q^2)`` times the
    least.

    Memory: one term, and twice ``(rank + 16) * 13`` columns of the weight's height and width.
    """
    import torch

    basis = [_start(terms, rank + _SPARE)]
    images = [_times(terms, basis[0])]
    energy, rounds = 0.0, 0
    while True:
        u, s, zt = torch.linalg.svd(torch.cat(images, 1), full_matrices=False)
        captured = float(s[:rank].square().sum())
        gain = max(0.0, (captured - energy) / captured) if captured else 0.0
        wide = sum(block.shape[1] for block in basis) + basis[0].shape[1]
        if gain <= _ENOUGH or rounds == _MOST_ROUNDS or wide > basis[0].shape[0]:
            v = torch.cat(basis, 1) @ zt[:rank].T
            return Triplets(u[:, :rank], s[:rank], v.T, rounds, gain if rounds else 0.0)
        energy, rounds = captured, rounds + 1
        orthonormal, _ = torch.linalg.qr(images[-1])
        basis.append(_orthonormal(_transposed_times(terms, orthonormal), basis))
        images.append(_times(terms, basis[-1]))


def _start(terms: Iterable[Factors], columns: int) -> "Tensor":
    import torch

    inputs = next(iter(terms)).shape[1]
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(inputs, min(columns, inputs), generator=generator, dtype=torch.float64)
    return torch.linalg.qr(drawn)[0]


def _times(terms: Iterable[Factors], x: "Tensor") -> "Tensor":
    total = None
    for term in terms:
        part = term.a @ x
        total = term.b @ part if total is None else total.addmm_(term.b, part)
    return total


def _transposed_times(terms: Iterable[Factors], y: "Tensor") -> "Tensor":
    total = None
    for term in terms:
        part = term.b.T @ y
        total = term.a.T @ part if total is None else total.addmm_(term.a.T, part)
    return total


def _orthonormal(x: "Tensor", basis: "list[Tensor]") -> "Tensor":
    """`x` made orthonormal, and orthogonal to `basis`; once is not enough in floating point."""
    import torch

    for _ in range(2):
        for block in basis:
            x = x - block @ (block.T @ x)
        x, _ = torch.linalg.qr(x)
    return x
