"""The coordinate-wise median of the changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.reproject import Cut
from medley_training.strategies.trimmed import trimmed


@dataclass(frozen=True, slots=True, kw_only=True)
class Median(Strategy):
    """Each coordinate's median; of an even number, the mean of the two in the middle.

    Yin et al., "Byzantine-Robust Distributed Learning" (arXiv:1803.01498), definition 1. The
    coordinates are those of the changes' cores in their joint principal directions, as for
    `TrimmedMean`: the dense weight is never formed. Weights are not used.

    Attributes:
        rank: What is served has at most this rank; exact where it is not set.

    Raises:
        RecipeError: `rank` is below 1.
    """

    name: ClassVar[str] = "median"
    rank: int | None = None

    def __post_init__(self) -> None:
        Cut(self.rank)

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The start moved by the median change."""
        del state
        votes = ordered(context, votes)
        return trimmed(context, votes, Cut(self.rank), dropped=(len(votes) - 1) // 2)
