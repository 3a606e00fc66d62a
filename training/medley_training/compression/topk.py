"""Only the largest numbers of each tensor, with their places.

What is not sent must be kept and added to the next round's (error feedback), or it is lost: Stich
et al., "Sparsified SGD with Memory", arXiv:1809.07599.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.compression.finite import require_finite
from medley_training.errors import ContributionRefused

if TYPE_CHECKING:
    from torch import Tensor

_SHORT = 1 << 16


@dataclass(frozen=True, slots=True)
class TopK:
    """Values in bfloat16 and their places in ascending order.

    Attributes:
        share: Of each tensor's numbers, in (0, 1]; at least one is sent.
    """

    share: float

    def lengths(self, size: int) -> Mapping[str, int]:
        """How many numbers each part holds for a tensor of so many."""
        kept = math.ceil(self.share * size)
        return {"values": kept, "places": kept}

    def dtypes(self, largest: int) -> Mapping[str, str]:
        """Each part's dtype; two bytes are enough for a place where no tensor is large."""
        return {"values": "BF16", "places": "U16" if largest <= _SHORT else "I32"}

    def encode(self, values: "Tensor") -> "Mapping[str, Tensor]":
        """The largest magnitudes; of equal ones, those that come first."""
        import torch

        kept = self.lengths(len(values))["values"]
        # A stable sort, because topk may choose otherwise among equals on another machine.
        order = values.abs().sort(descending=True, stable=True).indices
        places = order[:kept].sort().values
        limit = torch.finfo(torch.bfloat16).max
        sent = values[places].clamp(-limit, limit).to(torch.bfloat16)
        return {"values": sent, "places": places}

    def decode(self, parts: "Mapping[str, Tensor]", size: int) -> "Tensor":
        """Zeros, but for the values sent; they must be finite, the places ascending and within."""
        import torch

        values = require_finite(parts["values"]).to(torch.float32)
        places = parts["places"].to(torch.int64)
        if not bool(((places >= 0) & (places < size)).all()):
            raise ContributionRefused("malformed", f"a place is outside the tensor's {size}")
        if not bool((places[1:] > places[:-1]).all()):
            raise ContributionRefused(
                "malformed", "places are not ascending, or one is there twice"
            )
        decoded = torch.zeros(size)
        decoded[places] = values
        return decoded
