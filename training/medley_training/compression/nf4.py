"""Four bits a number: NormalFloat of Dettmers et al., "QLoRA", arXiv:2305.14314."""

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

_BLOCK = 64
# QLoRA, appendix E: the quantiles of a normal distribution, scaled to [-1, 1], with an exact zero.
_LEVELS = (
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
)
_ZERO = _LEVELS.index(0.0)


@dataclass(frozen=True, slots=True)
class Nf4:
    """Two codes to a byte, the first in its upper half, as bitsandbytes packs them.

    Attributes:
        scale_dtype: ``F32`` or ``F16``.
    """

    scale_dtype: str = "F32"

    def lengths(self, size: int) -> Mapping[str, int]:
        """How many numbers each part holds for a tensor of so many."""
        return {"codes": (size + 1) // 2, "scales": num_blocks(size, _BLOCK)}

    def dtypes(self, largest: int) -> Mapping[str, str]:
        """Each part's dtype as safetensors writes it."""
        del largest
        return {"codes": "U8", "scales": self.scale_dtype}

    def encode(self, values: "Tensor") -> "Mapping[str, Tensor]":
        """The nearest level of each value, and the blocks' scales."""
        import torch

        blocks = in_blocks(values, _BLOCK)
        scales = scales_of(blocks, self.scale_dtype)
        levels = torch.tensor(_LEVELS)
        middles = (levels[1:] + levels[:-1]) / 2
        codes = torch.bucketize(normalised(blocks, scales), middles).flatten()
        codes[len(values) :] = _ZERO
        pairs = codes[: len(values) + len(values) % 2].to(torch.uint8).view(-1, 2)
        return {"codes": (pairs[:, 0] << 4) | pairs[:, 1], "scales": scales}

    def decode(self, parts: "Mapping[str, Tensor]", size: int) -> "Tensor":
        """The levels times the scales, which must be finite; an odd byte's rest must be zero."""
        import torch

        packed, scales = parts["codes"], checked_scales(parts["scales"])
        codes = torch.stack((packed >> 4, packed & 0xF), dim=1).flatten().to(torch.int64)
        if bool((codes[size:] != _ZERO).any()):
            raise ContributionRefused("malformed", "there is a number after the last one")
        blocks = in_blocks(torch.tensor(_LEVELS)[codes[:size]], _BLOCK)
        return (blocks * scales.unsqueeze(1)).flatten()[:size]
