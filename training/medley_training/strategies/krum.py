"""Krum and multi-Krum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.errors import RecipeError, TooFewContributions
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.combination import combination
from medley_training.strategies.gram import change_products, distances
from medley_training.strategies.reproject import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Krum(Strategy):
    """The change that is nearest to its neighbours, or the mean of the few that are (multi-Krum).

    Blanchard et al., "Machine Learning with Adversaries" (NeurIPS 2017): the score of a change is
    the sum of its squared distances to the ``n - byzantine - 2`` nearest others. Distances are
    between products. Weights are not used: who claims many examples gains nothing by it.

    Attributes:
        byzantine: How many may lie; the rule needs ``2 * byzantine + 3`` contributions.
        kept: The mean of so many with the lowest scores; 1 is Krum.
        rank: What is served has at most this rank; exact where it is not set.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "krum"
    byzantine: int = 1
    kept: int = 1
    rank: int | None = None

    def __post_init__(self) -> None:
        Cut(self.rank)
        if self.byzantine < 0 or self.kept < 1:
            raise RecipeError("krum: byzantine must be at least 0 and kept at least 1")

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The start moved by the chosen changes.

        Raises:
            TooFewContributions: Fewer than ``2 * byzantine + 3``, or than ``kept + byzantine``.
        """
        del state
        votes = ordered(context, votes)
        needed = max(2 * self.byzantine + 3, self.kept + self.byzantine)
        if len(votes) < needed:
            raise TooFewContributions(f"krum needs {needed} contributions, not {len(votes)}")
        squared = distances(change_products(context.start, [vote.adapter for vote in votes]))
        nearest = squared.sort(dim=1).values[:, 1 : len(votes) - self.byzantine - 1]
        scores = nearest.sum(dim=1).tolist()
        # Equal scores are settled by name, because votes are in that order.
        chosen = sorted(range(len(votes)), key=scores.__getitem__)[: self.kept]
        coefficients = [1 / self.kept if i in chosen else 0.0 for i in range(len(votes))]
        names = ", ".join(votes[i].participant for i in sorted(chosen))
        return combination(
            context, votes, coefficients, Cut(self.rank), notes=(f"krum kept {names}",)
        )
