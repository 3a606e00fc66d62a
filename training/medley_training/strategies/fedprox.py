"""FedProx: FedAvg over sites that are held near the round's start."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.errors import RecipeError
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote
from medley_training.strategies.fedavg import FedAvg


@dataclass(frozen=True, slots=True, kw_only=True)
class FedProx(Strategy):
    """FedAvg's mean of contributions trained with ``mu / 2 * |x - start|^2`` added to the loss.

    Li et al., "Federated Optimization in Heterogeneous Networks" (arXiv:1812.06127), algorithm 2.
    The pull is applied at the sites; here only `mu` is kept for them.

    Raises:
        RecipeError: `mu` is negative.
    """

    name: ClassVar[str] = "fedprox"
    mu: float = 0.01

    def __post_init__(self) -> None:
        if not self.mu >= 0:
            raise RecipeError(f"fedprox: mu is {self.mu}, not at least 0")

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The mean by the votes' weights."""
        return FedAvg().aggregate(context, votes, state)
