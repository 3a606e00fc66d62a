"""The trimmed mean of the changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.errors import RecipeError
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.reproject import Cut
from medley_training.strategies.trimmed import trimmed


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimmedMean(Strategy):
    """Each coordinate's mean without its lowest and highest values.

    Yin et al., "Byzantine-Robust Distributed Learning" (arXiv:1803.01498), definition 2. The
    coordinates are not those of the dense weight, which is never formed, but of the changes' cores
    in their joint principal directions (`cores`); the bound on what a liar can do to one coordinate
    is the same, and honest agreement lies in fewer coordinates. Weights are not used.

    Attributes:
        share: Of the contributions, dropped at each end; at least one is where that leaves any.
        rank: What is served has at most this rank; exact where it is not set.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "trimmed_mean"
    share: float = 0.2
    rank: int | None = None

    def __post_init__(self) -> None:
        Cut(self.rank)
        if not 0 < self.share < 0.5:
            raise RecipeError(f"trimmed_mean: share is {self.share}, not between 0 and 0.5")

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The start moved by the trimmed mean change."""
        del state
        votes = ordered(context, votes)
        # 0.2 of 5 is 1, although 0.2 * 5 may fall short of it.
        dropped = max(1, int(self.share * len(votes) + 1e-9))
        dropped = min(dropped, (len(votes) - 1) // 2)
        return trimmed(context, votes, Cut(self.rank), dropped=dropped)
