"""The geometric median of the changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from medley_training.errors import RecipeError
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.combination import combination
from medley_training.strategies.gram import change_products
from medley_training.strategies.reproject import Cut

if TYPE_CHECKING:
    from torch import Tensor

_CLOSE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class GeometricMedian(Strategy):
    """The point with the least weighted sum of distances to the participants' changes.

    RFA (Pillutla et al., "Robust Aggregation for Federated Learning", arXiv:1912.13445): smoothed
    Weiszfeld iteration. Holds while those who lie have less than half of the weight, whatever they
    send. Distances are between products, taken from inner products, so every iterate is a weighted
    sum of the changes and only its coefficients are computed.

    Attributes:
        rank: What is served has at most this rank; exact where it is not set.
        smoothing: Distances below this share of the middle distance to the mean count as that much.
        iterations: At most so many; it stops when no coefficient moves by more than 1e-9.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "geometric_median"
    rank: int | None = None
    smoothing: float = 1e-6
    iterations: int = 1000

    def __post_init__(self) -> None:
        Cut(self.rank)
        if not (self.smoothing > 0 and self.iterations >= 1):
            raise RecipeError("geometric_median: smoothing must be above 0, iterations at least 1")

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The start moved by the median change."""
        import torch

        del state
        votes = ordered(context, votes)
        products = change_products(context.start, [vote.adapter for vote in votes])
        shares = torch.tensor([vote.weight for vote in votes], dtype=torch.float64)
        found, taken = self._weiszfeld(products, shares)
        note = f"geometric median after {taken} iterations"
        return combination(context, votes, found.tolist(), Cut(self.rank), notes=(note,))

    def _weiszfeld(self, products: "Tensor", shares: "Tensor") -> "tuple[Tensor, int]":
        point = shares
        least = self.smoothing * float(_distances_to(products, shares).median())
        for step in range(1, self.iterations + 1):
            pull = shares / _distances_to(products, point).clamp_min(max(least, 1e-300))
            moved = pull / pull.sum()
            if float((moved - point).abs().max()) <= _CLOSE:
                return moved, step
            point = moved
        return point, self.iterations


def _distances_to(products: "Tensor", point: "Tensor") -> "Tensor":
    across = products @ point
    return (products.diagonal() - 2 * across + point @ across).clamp_min(0).sqrt()
