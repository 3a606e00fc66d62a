"""The upper half of every float32, rounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.compression.finite import require_finite

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Bf16:
    """Sixteen bits a number: the range of float32 with eight bits of mantissa."""

    def lengths(self, size: int) -> Mapping[str, int]:
        """How many numbers each part holds for a tensor of so many."""
        return {"values": size}

    def dtypes(self, largest: int) -> Mapping[str, str]:
        """Each part's dtype as safetensors writes it."""
        del largest
        return {"values": "BF16"}

    def encode(self, values: "Tensor") -> "Mapping[str, Tensor]":
        """The rounded values."""
        import torch

        # The largest float32 round up to infinity.
        limit = torch.finfo(torch.bfloat16).max
        return {"values": values.clamp(-limit, limit).to(torch.bfloat16)}

    def decode(self, parts: "Mapping[str, Tensor]", size: int) -> "Tensor":
        """The rounded values in float32; they must be finite."""
        import torch

        del size
        return require_finite(parts["values"]).to(torch.float32)
