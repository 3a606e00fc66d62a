"""A tensor cut into blocks, each with a scale of its own: the largest magnitude in it.

A single large number then costs precision in its own block alone (Dettmers et al., "8-bit
Optimizers via Block-wise Quantization", arXiv:2110.02861, §2.1).
"""

from typing import TYPE_CHECKING

from medley_training.compression.finite import require_finite
from medley_training.errors import ContributionRefused

if TYPE_CHECKING:
    from torch import Tensor


def num_blocks(size: int, block: int) -> int:
    """How many blocks so many numbers need; the last may be shorter."""
    return -(-size // block)


def in_blocks(values: "Tensor", block: int) -> "Tensor":
    """Shape (blocks, block); the last block is filled up with zeros."""
    from torch.nn.functional import pad

    missing = num_blocks(len(values), block) * block - len(values)
    return pad(values, (0, missing)).view(-1, block)


def scales_of(blocks: "Tensor", dtype: str) -> "Tensor":
    """Each block's largest magnitude in that dtype, finite: a half cannot hold more than 65504."""
    import torch

    largest = blocks.abs().amax(dim=1)
    if dtype == "F32":
        return largest
    return largest.clamp(max=torch.finfo(torch.float16).max).to(torch.float16)


def normalised(blocks: "Tensor", scales: "Tensor") -> "Tensor":
    """The blocks divided by their scales, as they will be read back; zero where the scale is."""
    import torch

    divisors = scales.to(torch.float32).unsqueeze(1)
    return torch.where(divisors > 0, blocks / divisors, torch.zeros_like(blocks)).clamp(-1, 1)


def checked_scales(scales: "Tensor") -> "Tensor":
    """Scales from elsewhere, in float32.

    Raises:
        ContributionRefused: ``not_finite``, or ``malformed`` where one is negative.
    """
    import torch

    require_finite(scales, "a block's scale")
    # Also -0, which no encoder writes: one adapter has one file.
    if bool(torch.signbit(scales).any()):
        raise ContributionRefused("malformed", "a block's scale is negative")
    return scales.to(torch.float32)
