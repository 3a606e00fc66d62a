"""The best adapter of a given rank, or of a given share of the energy, for a sum of updates.

By Eckart and Young no factors of that rank come nearer in the Frobenius norm. The singular values
come from thin factors: QR of both, then the SVD of the small core between them (as HLoRA and
FLoRIST do). The dense update is never formed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.errors import RecipeError
from medley_training.factors import Adapter, Factors, TensorAdapter
from medley_training.local.lora import LoraShape
from medley_training.strategies.krylov import leading_triplets
from medley_training.strategies.stack import folded, stacked

if TYPE_CHECKING:
    from torch import Tensor

# With more columns than this the factors are not stacked where a rank is asked for: their QR would
# cost more than the passes of a Krylov iteration, and memory would grow with the participants.
MOST_COLUMNS = 512


@dataclass(frozen=True, slots=True)
class Cut:
    """How much of an update to keep; with neither, everything that is not rounding error.

    Attributes:
        rank: At most so many singular values.
        energy: As many as carry this share of the sum of their squares.

    Raises:
        RecipeError: A value is outside its range.
    """

    rank: int | None = None
    energy: float | None = None

    def __post_init__(self) -> None:
        if self.rank is not None and self.rank < 1:
            raise RecipeError(f"rank is {self.rank}, not at least 1")
        if self.energy is not None and not 0 < self.energy <= 1:
            raise RecipeError(f"energy is {self.energy}, not above 0 and at most 1")

    def rank_of(self, s: "Tensor") -> int:
        """How many of the singular values `s`, largest first, are kept; at least 1."""
        kept = len(s)
        if self.energy is not None:
            shares = (s * s).cumsum(0) / (s * s).sum()
            kept = int((shares < self.energy).sum()) + 1
        return max(1, min(kept, len(s), self.rank or kept))


@dataclass(frozen=True, slots=True, eq=False)
class Svd:
    """``u @ diag(s) @ vt`` in float64, `s` falling, the sign of each pair set by its largest entry.

    Attributes:
        rounds: Passes of block iteration it took; 0 where it is exact to rounding.
        gain: The share of the kept energy that the last pass still added; 0 where exact.
    """

    u: "Tensor"
    s: "Tensor"
    vt: "Tensor"
    rounds: int = 0
    gain: float = 0.0

    def factors(self, rank: int, *, scale: float = 1.0, skip: int = 0) -> Factors:
        """Balanced factors of the part after the first `skip` values, up to the one at `rank`.

        A and B get the root of each singular value, so that neither learns faster than the other.
        """
        root = (self.s[skip:rank] / scale).sqrt()
        a, b = root[:, None] * self.vt[skip:rank], self.u[:, skip:rank] * root
        return Factors(a.contiguous(), b.contiguous(), scale)


def svd_of(terms: Iterable[Factors], most: int | None = None) -> Svd:
    """The singular value decomposition of the sum of `terms`, which have scale 1.

    Exact to float64's rounding (about 1e-15 of the largest value) while the stack, or the weight's
    narrow side, has at most `MOST_COLUMNS`, and always where `most` is None. Past that the `most`
    largest come from block Krylov iteration, whose accuracy `leading_triplets` states; memory is
    then independent of the number of terms.
    """
    factors = stacked(terms, None if most is None else max(MOST_COLUMNS, 2 * most))
    if factors is None:
        assert most is not None, "only a limit makes stacking give up"
        found = leading_triplets(terms, most)
        return _signed(found.u, found.s, found.vt, rounds=found.rounds, gain=found.gain)
    return _thin_svd(factors)


def _thin_svd(factors: Factors) -> Svd:
    import torch

    q_b, r_b = torch.linalg.qr(factors.b)
    q_a, r_a = torch.linalg.qr(factors.a.T)
    u, s, vt = torch.linalg.svd(r_b @ r_a.T, full_matrices=False)
    floor = torch.finfo(s.dtype).eps * max(factors.shape) * s[0]
    kept = max(1, int((s > floor).sum()))
    return _signed(q_b @ u[:, :kept], s[:kept], vt[:kept] @ q_a.T)


def _signed(u: "Tensor", s: "Tensor", vt: "Tensor", *, rounds: int = 0, gain: float = 0.0) -> Svd:
    largest = u.gather(0, u.abs().argmax(0, keepdim=True))[0]
    signs = largest.sign()
    return Svd(u * signs, s, vt * signs[:, None], rounds, gain)


def next_factors(svd: Svd, shape: LoraShape, start: Factors) -> Factors:
    """What training goes on from: the best factors of the trained rank, at the trained scale.

    Where the update has a smaller rank the rest is filled with rows of the start's A and a B of
    zero, as a fresh adapter has them: with both at zero these directions could never learn.
    """
    import torch

    factors = svd.factors(shape.rank, scale=shape.scale)
    missing = shape.rank - factors.rank
    dead = 0 if svd.s[0] > 0 else factors.rank
    if not missing and not dead:
        return factors
    fresh = start.a.to(torch.float64)[: missing + dead]
    b = torch.nn.functional.pad(factors.b, (0, missing))
    return Factors(torch.cat([factors.a[: factors.rank - dead], fresh]), b, shape.scale)


def truncated(adapter: Adapter, shape: LoraShape) -> TensorAdapter:
    """What a participant of another rank starts from.

    At the adapter's own rank and scale it is the adapter. A fresh adapter (B all zero) keeps its
    first rows of A. Otherwise it is the best one of the smaller rank.

    Raises:
        RecipeError: `shape` has a larger rank than the adapter.
    """
    return TensorAdapter({m: _truncated(adapter.factors(m), shape) for m in adapter.modules})


def _truncated(factors: Factors, shape: LoraShape) -> Factors:
    if shape.rank > factors.rank:
        raise RecipeError(f"rank {shape.rank} is more than the start's, {factors.rank}")
    if shape.rank == factors.rank and shape.scale == factors.scale:
        return factors
    if shape.rank == factors.rank or not factors.b.any():
        b = factors.b[:, : shape.rank] * (factors.scale / shape.scale)
        return Factors(factors.a[: shape.rank], b, shape.scale)
    return next_factors(svd_of([folded(factors)]), shape, factors)
