"""q-FFL: participants with a high loss count for more."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from medley_training.errors import RecipeError
from medley_training.factors import Factors, TensorAdapter
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_factors, same_rank, wide

# Where the loss is 0 its power q - 1 is not finite; the authors' code has the same floor.
_LEAST_LOSS = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class QFfl(Strategy):
    """q-FedAvg's step for the fairness objective ``sum p F^(q+1) / (q+1)``.

    Li et al., "Fair Resource Allocation in Federated Learning" (arXiv:1905.10497), algorithm 2:
    with ``D = L (start - local)``, the start moves by ``-sum p F^q D / sum p (q F^(q-1) |D|^2 +
    L F^q)``. The paper draws participants by p and leaves it out; here p is the vote's weight, and
    q = 0 is FedAvg with these weights.

    ``|D|`` is the norm over the factors, not over the products: h bounds the curvature of F^q in
    the parameters that local steps were taken in, L is the curvature there, and all participants
    left from the same factors, so that no rotation lies between them.

    Attributes:
        q: 0 counts everybody by weight alone, more looks more at those who are worse off.
        learning_rate: The local one; L is its inverse, as in the paper.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "qffl"
    needs_loss: ClassVar[bool] = True
    q: float = 1.0
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not (self.q >= 0 and self.learning_rate > 0):
            raise RecipeError("qffl: q must be at least 0 and learning_rate above 0")

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """Step from the start by the paper's rule.

        Raises:
            RecipeError: A vote comes without its loss of the round's start.
        """
        del state
        votes = ordered(context, votes)
        weights = self.coefficients(votes, _squared_changes(context, votes))
        moved = [replace(vote, weight=weights[vote.participant]) for vote in votes]
        rest = 1 - math.fsum(weights.values())
        factors: dict[str, Factors] = {}
        for module in context.start.modules:
            start, total = wide(context, module), mean_factors(context, module, moved)
            a, b = total.a + rest * start.a, total.b + rest * start.b
            factors[module] = Factors(a, b, start.scale)
        adapter = TensorAdapter(factors)
        return Outcome(served=adapter, next_start=adapter, state={}, weights=weights)

    def coefficients(
        self, votes: Sequence[Vote], squared_changes: Mapping[str, float]
    ) -> dict[str, float]:
        """What each participant's change is multiplied by.

        Args:
            votes: With weights that sum to 1.
            squared_changes: ``|local - start|^2`` by participant.
        """
        lipschitz = 1 / self.learning_rate
        shares, bounds = {}, []
        for vote in votes:
            if vote.loss is None:
                raise RecipeError(f"qffl needs the loss of the start at {vote.participant}")
            loss = max(vote.loss, _LEAST_LOSS)
            squared = lipschitz**2 * squared_changes[vote.participant]
            shares[vote.participant] = vote.weight * loss**self.q * lipschitz
            bound = self.q * loss ** (self.q - 1) * squared + lipschitz * loss**self.q
            bounds.append(vote.weight * bound)
        total = math.fsum(bounds)
        return {participant: share / total for participant, share in shares.items()}


def _squared_changes(context: Context, votes: Sequence[Vote]) -> dict[str, float]:
    squared = {vote.participant: 0.0 for vote in votes}
    for module in context.start.modules:
        start = wide(context, module)
        for vote in votes:
            factors = same_rank(context, vote, module)
            b = factors.b * (factors.scale / start.scale)
            for change in (start.a - factors.a, start.b - b):
                squared[vote.participant] += float(change.square().sum())
    return squared
