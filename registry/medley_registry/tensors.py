"""The numbers in an adapter's weights: whether all are finite, and how large they are.

BF16, F16 and F32 are read with numpy alone, from bytes whose header has been checked.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from medley_registry.errors import AdmissionRefused
from medley_registry.lora_pairs import LoraPair, lora_pairs
from medley_registry.safetensors_header import TensorEntry, read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles: TypeAlias = NDArray[np.float64]

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


def norms(stream: BinaryIO) -> dict[str, float]:
    """The Frobenius norm of every tensor of an adapter's weights, summed in float64.

    Raises:
        AdmissionRefused: the bytes are no adapter's weights.
    """
    weights = _Weights(stream)
    return {
        name: sqrt(sum(float(block @ block) for block in weights.blocks(entry)))
        for name, entry in weights.tensors.items()
    }


def delta_norms(stream: BinaryIO) -> dict[str, float]:
    """The Frobenius norm of B·A by module, without forming a matrix of the weight's size.

    ‖BA‖² = tr(AᵀBᵀBA) = tr((BᵀB)(AAᵀ)): two matrices of r by r, multiplied entry by entry and
    summed. An engine adds B·A times the scaling of `AdapterConfig.rank_and_scaling`.

    Raises:
        AdmissionRefused: the bytes are no adapter's weights.
    """
    weights = _Weights(stream)
    return {module: weights.delta_norm(pair) for module, pair in weights.pairs.items()}


class _Weights:
    """The tensors of a stream as arrays of float64."""

    def __init__(self, stream: BinaryIO) -> None:
        self.tensors = read_header(stream)
        self.pairs = lora_pairs(self.tensors)
        self._stream = stream
        self._data_begin = stream.tell()

    def delta_norm(self, pair: LoraPair) -> float:
        inner = self._rows_by_rows(pair.a)
        outer = self._columns_by_columns(pair.b)
        # Rounding may leave the square of a zero a little below it.
        return sqrt(max(0.0, float((inner * outer).sum())))

    def blocks(self, entry: TensorEntry, *, row: int = 1) -> Iterator["Doubles"]:
        """A tensor's numbers in order, some whole rows of `row` numbers at a time."""
        size_bytes = _FORMATS[entry.dtype].size_bytes
        step_bytes = max(_BLOCK_BYTES // (row * size_bytes), 1) * row * size_bytes
        for begin in range(entry.begin, entry.end, step_bytes):
            self._stream.seek(self._data_begin + begin)
            yield _doubles(self._stream.read(min(step_bytes, entry.end - begin)), entry.dtype)

    def _rows_by_rows(self, entry: TensorEntry) -> "Doubles":
        """M·Mᵀ of a matrix with few rows."""
        import numpy as np

        numbers: Doubles = np.empty(prod(entry.shape))
        filled = 0
        for block in self.blocks(entry):
            numbers[filled : filled + len(block)] = block
            filled += len(block)
        matrix = numbers.reshape(entry.shape)
        product: Doubles = matrix @ matrix.T
        return product

    def _columns_by_columns(self, entry: TensorEntry) -> "Doubles":
        """Mᵀ·M of a matrix with few columns."""
        import numpy as np

        columns = entry.shape[1]
        product: Doubles = np.zeros((columns, columns))
        for block in self.blocks(entry, row=columns):
            rows = block.reshape(-1, columns)
            product += rows.T @ rows
        return product


def _doubles(data: bytes, dtype: str) -> "Doubles":
    import numpy as np

    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").astype(np.float64)
    return np.frombuffer(data, {"F16": "<f2", "F32": "<f4"}[dtype]).astype(np.float64)
