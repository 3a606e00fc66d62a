"""The start plus a weighted sum of changes, for rules that only choose the coefficients."""

import math
from collections.abc import Sequence

from medley_training.strategies.base import Context, Outcome, Vote
from medley_training.strategies.projected import outcome_of
from medley_training.strategies.reproject import Cut
from medley_training.strategies.stack import ModuleSum, Term


def combination(
    context: Context,
    votes: Sequence[Vote],
    coefficients: Sequence[float],
    cut: Cut,
    *,
    notes: tuple[str, ...] = (),
) -> Outcome:
    """``start + sum c (adapter - start)`` as products, exactly up to `cut`."""
    # What the coefficients lack to 1 in rounding must not bring the start into the sum.
    left = 1 - math.fsum(coefficients)
    terms = [Term(left if abs(left) > 1e-12 else 0.0, context.start)]
    terms += [Term(c, vote.adapter) for c, vote in zip(coefficients, votes, strict=True)]
    weights = {vote.participant: c for c, vote in zip(coefficients, votes, strict=True)}
    return outcome_of(
        context, lambda module: ModuleSum(module, terms), cut, weights=weights, notes=notes
    )
