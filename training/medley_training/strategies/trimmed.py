"""The outcome of a mean without the extremes, coordinate by coordinate of the cores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medley_training.factors import Factors
from medley_training.strategies.base import Context, Outcome, Vote
from medley_training.strategies.cores import Basis, basis_of, cores_of
from medley_training.strategies.projected import outcome_of
from medley_training.strategies.reproject import Cut
from medley_training.strategies.stack import folded

if TYPE_CHECKING:
    from torch import Tensor

# Coordinates of all participants in memory at a time; where there are more, they come in passes.
_MOST_VALUES = 1 << 24


def trimmed(context: Context, votes: Sequence[Vote], cut: Cut, *, dropped: int) -> Outcome:
    """The start moved by each coordinate's mean without the `dropped` lowest and highest.

    Every participant counts alike in the outcome's weights: who is left out differs from
    coordinate to coordinate.
    """
    missed = 0.0

    def terms(module: str) -> list[Factors]:
        nonlocal missed
        adapters = [vote.adapter for vote in votes]
        basis = basis_of(context.start, adapters, module)
        middle, outside = _middle(context, votes, module, basis, dropped=dropped)
        missed = max(missed, outside)
        start = folded(context.start.factors(module))
        return [start, Factors(basis.vt, basis.u @ middle, 1.0)]

    weights = {vote.participant: 1 / len(votes) for vote in votes}
    outcome = outcome_of(context, terms, cut, weights=weights)
    left = len(votes) - 2 * dropped
    notes = [f"each coordinate is the mean of its {left} middle values of {len(votes)}"]
    if missed > 1e-9:
        notes.append(f"up to {missed:.1e} of a change's energy lay outside the basis")
    return Outcome(
        served=outcome.served,
        next_start=outcome.next_start,
        state={},
        weights=weights,
        notes=(*notes, *outcome.notes),
    )


def _middle(
    context: Context, votes: Sequence[Vote], module: str, basis: Basis, *, dropped: int
) -> "tuple[Tensor, float]":
    """The trimmed core, and the largest share of a change's energy that is not in the cores."""
    import torch

    adapters = [vote.adapter for vote in votes]
    step = max(1, _MOST_VALUES // (len(votes) * basis.vt.shape[0]))
    middles, inside = [], torch.zeros_like(basis.norms)
    for low in range(0, basis.u.shape[1], step):
        cores = cores_of(context.start, adapters, module, basis, slice(low, low + step))
        inside += cores.square().sum(dim=(1, 2))
        middles.append(cores.sort(dim=0).values[dropped : len(votes) - dropped].mean(dim=0))
    moved = basis.norms > 0
    shares = inside[moved] / basis.norms[moved].square()
    outside = float((1 - shares).max()) if len(shares) else 0.0
    return torch.cat(middles), max(0.0, outside)
