"""How the numbers of one tensor become fewer bytes, and back: the catalogue of codecs.

A codec works on one tensor at a time, flattened to float32. What it makes are its *parts*, each of
one dtype, whose lengths depend on the tensor's size alone: so a file that somebody else wrote can
be checked completely before a number of it is used.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from medley_training.compression.bf16 import Bf16
from medley_training.compression.int8 import Int8
from medley_training.compression.nf4 import Nf4
from medley_training.compression.topk import TopK
from medley_training.errors import RecipeError

if TYPE_CHECKING:
    from torch import Tensor

NO_CODEC = "none"
"""The trained tensors themselves travel, in float32."""

_CHOICES = "none, bf16, int8, int8:f16, nf4, nf4:f16, topk:SHARE with a share in (0, 1]"


class Codec(Protocol):
    """One way to send a tensor in fewer bytes, without state."""

    def lengths(self, size: int) -> Mapping[str, int]:
        """How many numbers each part holds for a tensor of so many."""
        ...

    def dtypes(self, largest: int) -> Mapping[str, str]:
        """Each part's dtype in safetensors' words, where the file's largest tensor has so many."""
        ...

    def encode(self, values: "Tensor") -> "Mapping[str, Tensor]":
        """The parts of finite float32 values, shape (size,)."""
        ...

    def decode(self, parts: "Mapping[str, Tensor]", size: int) -> "Tensor":
        """What the receiver sees of the values: float32, shape (size,).

        Args:
            parts: Of the lengths and dtypes promised; their numbers may be anything.
            size: How many values there were.

        Raises:
            ContributionRefused: ``not_finite`` or ``malformed``, before a bad number is used.
        """
        ...


def codec(name: str) -> Codec:
    """The codec of that name; `NO_CODEC` is none.

    Raises:
        RecipeError: There is no such codec, or not with that option.
    """
    kind, _, option = name.partition(":")
    makers: dict[str, Callable[[str], Codec | None]] = {
        "bf16": lambda option: None if option else Bf16(),
        "int8": lambda option: Int8(_SCALES[option]) if option in _SCALES else None,
        "nf4": lambda option: Nf4(_SCALES[option]) if option in _SCALES else None,
        "topk": _topk,
    }
    found = makers[kind](option) if kind in makers and name != f"{kind}:" else None
    if found is None:
        raise RecipeError(f"there is no codec {name!r}; there are {_CHOICES}")
    return found


def check_codec(name: str) -> None:
    """Raise RecipeError unless contributions can be sent so."""
    if name != NO_CODEC:
        codec(name)


_SCALES = {"": "F32", "f16": "F16"}


def _topk(option: str) -> TopK | None:
    try:
        share = float(option)
    except ValueError:
        return None
    return TopK(share) if 0 < share <= 1 else None
