"""The numbers in an adapter's weights: whether all are finite.

BF16, F16 and F32 are read with numpy alone, from bytes whose header has been checked.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medley_registry.errors import AdmissionRefused
from medley_registry.safetensors_header import TensorEntry

_BLOCK_BYTES = 1 << 18  # stays in a core's cache between the passes over it


@dataclass(frozen=True, slots=True)
class _Format:
    """A floating-point format by its bits."""

    words: str
    """Numpy's name for unsigned integers of its width."""
    size_bytes: int
    infinity: int
    """Exponent all ones, sign and mantissa zero; with any mantissa it is NaN."""


_FORMATS = {
    "BF16": _Format("<u2", 2, 0x7F80),
    "F16": _Format("<u2", 2, 0x7C00),
    "F32": _Format("<u4", 4, 0x7F80_0000),
}


def check_finite(chunks: Iterable[memoryview], tensors: Mapping[str, TensorEntry]) -> None:
    """Look at every number of a file's data, which comes in pieces from its beginning.

    Args:
        chunks: Pieces that end where a number ends.
        tensors: What the data holds, all of one dtype: BF16, F16 or F32.

    Raises:
        AdmissionRefused: by rule ``tensor-finite``, with the first NaN or infinity and its tensor.
    """
    number = _FORMATS[next(iter(tensors.values())).dtype]
    done = 0
    for chunk in chunks:
        at = _first_not_finite(chunk, number)
        if at is not None:
            raise AdmissionRefused(
                "tensor-finite",
                f"{_kind(chunk[at : at + number.size_bytes], number)} in "
                f"{_place(done + at, tensors, number)}",
                because="every weight is a finite number",
            )
        done += len(chunk)


def _first_not_finite(chunk: memoryview, number: _Format) -> int | None:
    """The offset in bytes of the first number with an exponent of all ones."""
    import numpy as np

    words = np.frombuffer(chunk, dtype=number.words)
    step = _BLOCK_BYTES // number.size_bytes
    doubled = np.empty(min(step, len(words)), dtype=number.words)
    bound = number.infinity << 1
    for begin in range(0, len(words), step):
        block = words[begin : begin + step]
        # Doubling a word drops its sign bit; what is left is in the order of the magnitudes.
        magnitudes = np.add(block, block, out=doubled[: len(block)])
        if magnitudes.max() >= bound:
            return (begin + int((magnitudes >= bound).argmax())) * number.size_bytes
    return None


def _kind(word: memoryview, number: _Format) -> str:
    sign = 1 << (8 * number.size_bytes - 1)
    return "infinity" if int.from_bytes(word, "little") & ~sign == number.infinity else "NaN"


def _place(offset: int, tensors: Mapping[str, TensorEntry], number: _Format) -> str:
    ordered = sorted((entry.begin, name) for name, entry in tensors.items())
    begin, name = ordered[bisect_right(ordered, offset, key=lambda place: place[0]) - 1]
    return f"{name} at element {(offset - begin) // number.size_bytes}"
