"""FLTrust: changes are trusted as far as they point where the coordinator's own does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.errors import RecipeError
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.combination import combination
from medley_training.strategies.gram import change_products
from medley_training.strategies.reproject import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class FlTrust(Strategy):
    """``sum t |root| change / |change|`` over ``sum t``, with ``t = max(0, cos(change, root))``.

    Cao et al., "FLTrust" (arXiv:2012.13995), algorithm 2; `root` is the change that the coordinator
    trains on a small clean data set of its own. Cosines and norms are of products. Weights are not
    used. Where nobody is trusted the start stays.

    Attributes:
        rank: What is served has at most this rank; exact where it is not set.

    Raises:
        RecipeError: `rank` is below 1.
    """

    name: ClassVar[str] = "fltrust"
    needs_root: ClassVar[bool] = True
    rank: int | None = None

    def __post_init__(self) -> None:
        Cut(self.rank)

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The start moved by the trusted changes, each as long as the root's.

        Raises:
            RecipeError: There is no root adapter, or it did not move from the start.
        """
        del state
        votes = ordered(context, votes)
        if context.root is None:
            raise RecipeError("fltrust needs an adapter trained on the coordinator's own data")
        adapters = [vote.adapter for vote in votes]
        products = change_products(context.start, [*adapters, context.root])
        norms = products.diagonal().clamp_min(0).sqrt()
        root = float(norms[-1])
        if root == 0:
            raise RecipeError("fltrust: training on the coordinator's own data changed nothing")
        cosines = products[-1, :-1] / (norms[:-1] * root).clamp_min(1e-300)
        trust = cosines.clamp(0, 1)
        total = float(trust.sum())
        found = trust * root / norms[:-1].clamp_min(1e-300) / (total or 1.0)
        told = ", ".join(
            f"{vote.participant} {t:.3f}" for vote, t in zip(votes, trust.tolist(), strict=True)
        )
        return combination(
            context, votes, found.tolist(), Cut(self.rank), notes=(f"trust: {told}",)
        )
