"""The weighted mean of factors, which FedAvg and its relatives share.

The mean of products is not the product of means: averaging A and B apart is exact only where one
of them is the same at every participant.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medley_training.errors import IncompatibleAdapter, RecipeError
from medley_training.factors import Factors, TensorAdapter
from medley_training.strategies.base import BOTH, Context, Half, Vote

if TYPE_CHECKING:
    from torch import Tensor


def mean_adapter(
    context: Context, votes: Sequence[Vote], *, trained: frozenset[Half] = BOTH
) -> TensorAdapter:
    """The mean of the trained factors by the votes' weights; the rest is the start's.

    Raises:
        RecipeError: A vote's rank is not the shape's.
        IncompatibleAdapter: A factor that was not to be trained differs from the start's.
    """
    return TensorAdapter(
        {m: mean_factors(context, m, votes, trained=trained) for m in context.start.modules}
    )


def mean_factors(
    context: Context, module: str, votes: Sequence[Vote], *, trained: frozenset[Half] = BOTH
) -> Factors:
    """The mean of one module's factors; each vote is read once and dropped."""
    start = wide(context, module)
    a = start.a if "A" not in trained else start.a.new_zeros(start.a.shape)
    b = start.b if "B" not in trained else start.b.new_zeros(start.b.shape)
    for vote in votes:
        factors = same_rank(context, vote, module)
        if "A" in trained:
            a.add_(factors.a, alpha=vote.weight)
        else:
            _require_same(factors.a, start.a, vote, module)
        ratio = factors.scale / start.scale
        if "B" in trained:
            b.add_(factors.b, alpha=vote.weight * ratio)
        else:
            _require_same(factors.b, start.b / ratio, vote, module)
    return Factors(a, b, start.scale)


def wide(context: Context, module: str) -> Factors:
    """The start's factors in float64, at the shape's scale.

    Raises:
        RecipeError: The start's rank is not the shape's.
    """
    import torch

    start, scale = context.start.factors(module), context.shape.scale
    if start.rank != context.shape.rank:
        raise RecipeError(f"the start has rank {start.rank}, not {context.shape.rank}")
    b = start.b.to(torch.float64) * (start.scale / scale)
    return Factors(start.a.to(torch.float64), b, scale)


def same_rank(context: Context, vote: Vote, module: str) -> Factors:
    """A vote's factors, which a rule on factors can only take at the common rank."""
    factors = vote.adapter.factors(module)
    if factors.rank != context.shape.rank:
        raise RecipeError(
            f"{vote.participant} trained rank {factors.rank}, not {context.shape.rank}: factors of "
            "different ranks have no mean; 'stacking' takes them"
        )
    return factors


def _require_same(found: "Tensor", expected: "Tensor", vote: Vote, module: str) -> None:
    if not found.to(expected.dtype).equal(expected):
        raise IncompatibleAdapter(
            f"{vote.participant}: the factor of {module} that was not to be trained has changed"
        )
