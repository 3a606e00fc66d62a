"""FedYogi: Yogi at the coordinator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from medley_training.strategies.adaptive import Adaptive
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class FedYogi(Strategy):
    """Yogi's step on the mean change of the factors (Reddi et al., arXiv:2003.00295).

    Its second moment moves by at most the last change's square, so a quiet round after loud ones
    does not blow the step up. Like FedAvg it works on A and B apart and is not exact.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "fedyogi"
    learning_rate: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    tau: float = 1e-3

    def __post_init__(self) -> None:
        self._optimizer()

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """Step from the start; the moments are the state."""
        return self._optimizer().aggregate(context, votes, state, second=second_moment)

    def _optimizer(self) -> Adaptive:
        return Adaptive(
            learning_rate=self.learning_rate, beta1=self.beta1, beta2=self.beta2, tau=self.tau
        )


def second_moment(v: "Tensor", square: "Tensor", beta2: float) -> "Tensor":
    """``v - (1 - beta2) change^2 sign(v - change^2)``."""
    return v - (1 - beta2) * square * (v - square).sign()
