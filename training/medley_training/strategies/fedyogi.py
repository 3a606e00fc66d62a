"""FedYogi: Yogi at the coordinator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from medley_training.strategies.adaptive import Adaptive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class FedYogi(Adaptive):
    """Yogi's step on the mean change of the factors (Reddi et al., arXiv:2003.00295).

    Its second moment moves by at most the last change's square, so a quiet round after loud ones
    does not blow the step up.
    """

    name: ClassVar[str] = "fedyogi"

    def second_moment(self, v: "Tensor", square: "Tensor") -> "Tensor":
        """``v - (1 - beta2) change^2 sign(v - change^2)``."""
        return v - (1 - self.beta2) * square * (v - square).sign()
