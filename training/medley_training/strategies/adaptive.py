"""The step of an adaptive optimizer at the coordinator, which FedAdam and FedYogi share."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.errors import RecipeError
from medley_training.factors import Factors, TensorAdapter
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_factors, wide

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive(Strategy):
    """One step on the mean change of the factors, taken as a negative gradient.

    Like FedAvg it works on A and B apart and is not exact.

    Reddi et al., "Adaptive Federated Optimization" (arXiv:2003.00295), algorithm 2: no correction
    of the first steps' bias, and the second moment starts at ``tau^2``. The state holds ``m.NAME``
    and ``v.NAME`` of each factor.

    Raises:
        RecipeError: An option is outside its range.
    """

    learning_rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    tau: float = 1e-3

    def __post_init__(self) -> None:
        if not (self.learning_rate > 0 and self.tau > 0):
            raise RecipeError("learning_rate and tau must be above 0")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise RecipeError("beta1 and beta2 must be at least 0 and below 1")

    @abstractmethod
    def second_moment(self, v: "Tensor", square: "Tensor") -> "Tensor":
        """What the second moment `v` becomes by the square of a change."""

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """Step from the start along the mean change; the moments are the state."""
        votes = ordered(context, votes)
        moments: dict[str, Tensor] = {}
        factors: dict[str, Factors] = {}
        for module in context.start.modules:
            start, mean = wide(context, module), mean_factors(context, module, votes)
            stepped = []
            for name, x, y in ((f"{module}.A", start.a, mean.a), (f"{module}.B", start.b, mean.b)):
                m, v = self._moments(state, name, y - x)
                stepped.append(x + self.learning_rate * m / (v.sqrt() + self.tau))
                moments |= {f"m.{name}": m, f"v.{name}": v}
            factors[module] = Factors(stepped[0], stepped[1], start.scale)
        adapter = TensorAdapter(factors)
        weights = {vote.participant: vote.weight for vote in votes}
        return Outcome(served=adapter, next_start=adapter, state=moments, weights=weights)

    def _moments(self, state: State, name: str, change: "Tensor") -> "Iterator[Tensor]":
        import torch

        m = state.get(f"m.{name}", torch.zeros_like(change))
        v = state.get(f"v.{name}", torch.full_like(change, self.tau**2))
        yield self.beta1 * m + (1 - self.beta1) * change
        yield self.second_moment(v, change * change)
