"""Eight bits a number, symmetric, with one scale per block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.compression.blocks import (
    checked_scales,
    in_blocks,
    normalised,
    num_blocks,
    scales_of,
)
from medley_training.errors import ContributionRefused

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 4096
_STEPS = 127


@dataclass(frozen=True, slots=True)
class Int8:
    """``value = code * scale / 127`` with codes from -127 to 127.

    Attributes:
        scale_dtype: ``F32`` or ``F16``.
    """

    scale_dtype: str = "F32"

    def lengths(self, size: int) -> Mapping[str, int]:
        """How many numbers each part holds for a tensor of so many."""
        return {"codes": size, "scales": num_blocks(size, _BLOCK)}

    def dtypes(self, largest: int) -> Mapping[str, str]:
        """Each part's dtype as safetensors writes it."""
        del largest
        return {"codes": "I8", "scales": self.scale_dtype}

    def encode(self, values: "Tensor") -> "Mapping[str, Tensor]":
        """The nearest code of each value, and the blocks' scales."""
        import torch

        blocks = in_blocks(values, _BLOCK)
        scales = scales_of(blocks, self.scale_dtype)
        codes = (normalised(blocks, scales) * _STEPS).round().to(torch.int8)
        return {"codes": codes.flatten()[: len(values)], "scales": scales}

    def decode(self, parts: "Mapping[str, Tensor]", size: int) -> "Tensor":
        """The values that the codes stand for; -128 is none, and scales must be finite."""
        import torch

        codes, scales = parts["codes"], checked_scales(parts["scales"])
        if bool((codes < -_STEPS).any()):
            raise ContributionRefused("malformed", "a code is -128, which stands for nothing")
        blocks = in_blocks(codes.to(torch.float32), _BLOCK) / _STEPS
        return (blocks * scales.unsqueeze(1)).flatten()[:size]
