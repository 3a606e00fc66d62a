"""The first thing that is asked of numbers from elsewhere."""

from typing import TYPE_CHECKING

from medley_training.errors import ContributionRefused

if TYPE_CHECKING:
    from torch import Tensor


def require_finite(numbers: "Tensor", what: str = "a value") -> "Tensor":
    """Give the numbers back.

    Raises:
        ContributionRefused: ``not_finite``, if one is infinite or not a number.
    """
    import torch

    if not bool(torch.isfinite(numbers).all()):
        raise ContributionRefused("not_finite", f"{what} is infinite or not a number")
    return numbers
