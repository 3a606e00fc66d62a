"""A bounded reader of safetensors headers, so that no library parses bytes we have not checked.

The format (https://github.com/huggingface/safetensors#format): eight bytes of little-endian
header length, a JSON object of that length, then the tensors' bytes without hole or overlap.
What is read here, the safetensors library reads too; it takes more than we do (measured with
0.8.0: a repeated name, a tensor of shape [0, 2^60], metadata without bound).
"""

from dataclasses import dataclass
from io import SEEK_END
from itertools import pairwise
from math import prod
from typing import BinaryIO

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

LENGTH_BYTES = 8
_METADATA = "__metadata__"
# More than any tensor has, and few enough that a product of sides is quickly computed.
_MAX_SIDES = 16
# The format's readers count in 64 bits.
_MAX_COUNT = 2**63 - 1
# fmt: off
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderLimits:
    """What a header may cost its reader; the JSON of 4 MiB can become 200 MiB of objects."""

    header_bytes: int = 4 << 20
    tensors: int = 16_384
    metadata_bytes: int = 64 << 10


ADAPTER_LIMITS = HeaderLimits()


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as its header describes it; ``begin`` and ``end`` count from the data's start."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size_bytes(self) -> int:
        return self.end - self.begin


def read_header(
    stream: BinaryIO, *, limits: HeaderLimits = ADAPTER_LIMITS
) -> dict[str, TensorEntry]:
    """Read and check the header of a whole safetensors file; the tensors' bytes are not read.

    Afterwards the stream stands at the first tensor's first byte.

    Raises:
        AdmissionRefused: by a rule of `header_length` or `parse_header`.
    """
    size_bytes = stream.seek(0, SEEK_END)
    stream.seek(0)
    length = header_length(stream.read(LENGTH_BYTES), size_bytes=size_bytes, limits=limits)
    data_bytes = size_bytes - LENGTH_BYTES - length
    return parse_header(stream.read(length), data_bytes=data_bytes, limits=limits)


def header_length(prefix: bytes, *, size_bytes: int, limits: HeaderLimits = ADAPTER_LIMITS) -> int:
    """The length that a file's first eight bytes give for its header, if there can be such a one.

    Raises:
        AdmissionRefused: by rule ``safetensors-length``.
    """
    length = int.from_bytes(prefix, "little")
    room = min(size_bytes - LENGTH_BYTES, limits.header_bytes)
    if len(prefix) == LENGTH_BYTES and 2 <= length <= room:
        return length
    raise AdmissionRefused(
        "safetensors-length", length, because=f"a header has 2 to {max(2, room)} bytes"
    )


def parse_header(
    text: bytes, *, data_bytes: int, limits: HeaderLimits = ADAPTER_LIMITS
) -> dict[str, TensorEntry]:
    """Check a header's JSON against the number of bytes that follow it.

    Raises:
        AdmissionRefused: by one of the rules ``safetensors-json``, ``-duplicate``, ``-metadata``,
            ``-count``, ``-tensor`` or ``-layout``.
    """
    if not text.startswith(b"{"):
        raise AdmissionRefused("safetensors-json", text[:8], because="a header begins with '{'")
    header = parse_object(text, what="safetensors")
    _check_metadata(header.pop(_METADATA, {}), limit_bytes=limits.metadata_bytes)
    if len(header) > limits.tensors:
        raise AdmissionRefused(
            "safetensors-count", len(header), because=f"at most {limits.tensors} tensors"
        )
    tensors = {name: _tensor(name, entry) for name, entry in header.items()}
    _check_layout(tensors, data_bytes=data_bytes)
    return tensors


def read_tensor(stream: BinaryIO, entry: TensorEntry, *, limit_bytes: int) -> bytes:
    """The bytes of one small tensor of a file whose header has been checked.

    Raises:
        AdmissionRefused: by rule ``safetensors-tensor``, where it is larger than `limit_bytes`.
    """
    if entry.size_bytes > limit_bytes:
        raise AdmissionRefused(
            "safetensors-tensor", f"{entry.size_bytes} bytes", because=f"at most {limit_bytes} here"
        )
    stream.seek(0)
    length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
    stream.seek(LENGTH_BYTES + length + entry.begin)
    return stream.read(entry.size_bytes)


def _check_metadata(metadata: Json, *, limit_bytes: int) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise AdmissionRefused(
            "safetensors-metadata", metadata, because="metadata maps text to text"
        )
    size_bytes = sum(len(f"{key}{value}".encode()) for key, value in metadata.items())
    if size_bytes > limit_bytes:
        raise AdmissionRefused(
            "safetensors-metadata", f"{size_bytes} bytes", because=f"at most {limit_bytes}"
        )


def _tensor(name: str, entry: Json) -> TensorEntry:
    if isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}:
        dtype = str(entry["dtype"])
        match dtype in _BITS, _counts(entry["shape"]), _counts(entry["data_offsets"]):
            case True, tuple(shape), (begin, end):
                # Without elements a tensor holds nothing, and its shape can be any lie.
                if 0 not in shape and prod(shape) * _BITS[dtype] == (end - begin) * 8:
                    return TensorEntry(dtype, shape, begin, end)
    raise AdmissionRefused(
        "safetensors-tensor",
        f"{name}: {entry}",
        because="a tensor has a known dtype, a shape, and offsets that hold exactly its bytes",
    )


def _counts(value: Json) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > _MAX_SIDES:
        return None
    # By exact type: a bool is an int to Python, and no count.
    counts = tuple(item for item in value if type(item) is int and 0 <= item <= _MAX_COUNT)
    return counts if len(counts) == len(value) else None


def _check_layout(tensors: dict[str, TensorEntry], *, data_bytes: int) -> None:
    spans = sorted((entry.begin, entry.end, name) for name, entry in tensors.items())
    edges = [(0, 0, "the beginning"), *spans, (data_bytes, data_bytes, "the end of the file")]
    for (_, end, before), (begin, _, after) in pairwise(edges):
        if end != begin:
            raise AdmissionRefused(
                "safetensors-layout",
                f"{before} ends at {end}, {after} begins at {begin}",
                because="tensors fill the file without hole or overlap",
            )
