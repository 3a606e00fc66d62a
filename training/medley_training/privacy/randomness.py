"""Random numbers that nobody can guess: privacy holds only as far as they are secret.

torch's and numpy's ordinary generators can be reconstructed from what they have given out, so none
of them is used here.
"""

import math
import os
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_MANTISSA_BITS = 53


class Randomness:
    """Uniform and normal numbers from the operating system's own generator.

    Args:
        source: Gives so many random bytes.
    """

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        self._source = source

    @classmethod
    def seeded(cls, seed: int) -> "Randomness":
        """The same numbers each time, for tests: what is made with it is not private."""
        return cls(Random(seed).randbytes)  # noqa: S311 - for tests, as its name says

    def uniform(self, count: int) -> "Tensor":
        """Numbers in (0, 1], float64, shape (count,)."""
        import torch

        words = torch.frombuffer(bytearray(self._source(8 * count)), dtype=torch.int64)
        # The shift keeps the sign, so the upper bits are masked off: 53 random bits are left.
        bits = (words >> (64 - _MANTISSA_BITS)) & ((1 << _MANTISSA_BITS) - 1)
        return (bits + 1).to(torch.float64) * 2.0**-_MANTISSA_BITS

    def normal(self, *shape: int) -> "Tensor":
        """Standard normal numbers, float64.

        Each is half the sum of four: the lowest bits of a single one would tell what it was added
        to (Mironov, CCS 2012; Holohan and Braghin, arXiv:2107.10138, §5.1).
        """
        import torch

        total = torch.zeros(math.prod(shape), dtype=torch.float64)
        for _ in range(4):
            total += self._box_muller(len(total))
        return (total / 2).view(shape)

    def _box_muller(self, count: int) -> "Tensor":
        """Normal numbers out of pairs of uniform ones (Box and Muller, 1958)."""
        import torch

        pairs = (count + 1) // 2
        radius = torch.sqrt(-2 * torch.log(self.uniform(pairs)))
        angle = 2 * math.pi * self.uniform(pairs)
        return torch.cat((radius * torch.cos(angle), radius * torch.sin(angle)))[:count]
