"""FedAdam: Adam at the coordinator."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from medley_training.strategies.adaptive import Adaptive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class FedAdam(Adaptive):
    """Adam's step on the mean change of the factors (Reddi et al., arXiv:2003.00295)."""

    name: ClassVar[str] = "fedadam"

    def second_moment(self, v: "Tensor", square: "Tensor") -> "Tensor":
        """``beta2 v + (1 - beta2) change^2``."""
        return self.beta2 * v + (1 - self.beta2) * square
