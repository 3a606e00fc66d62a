"""A bounded reader of safetensors headers, so that no library parses bytes we have not checked.

The format (https://github.com/huggingface/safetensors#format): eight bytes of little-endian
header length, a JSON object of that length, then the tensors' bytes without hole or overlap.
"""

from dataclasses import dataclass
from io import SEEK_END
from itertools import pairwise
from math import prod
from typing import BinaryIO

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

HEADER_LIMIT_BYTES = 4 << 20
_LENGTH_BYTES = 8
_METADATA = "__metadata__"
# fmt: off
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "U16": 16, "I16": 16, "F16": 16, "BF16": 16,
    "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64,
}
# fmt: on


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor as its header describes it; ``begin`` and ``end`` count from the data's start."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(
    stream: BinaryIO, *, limit_bytes: int = HEADER_LIMIT_BYTES
) -> dict[str, TensorEntry]:
    """Read and check the header of a whole safetensors file; the tensors' bytes are not read.

    Raises:
        AdmissionRefused: by one of the rules ``safetensors-length``, ``-json``, ``-duplicate``,
            ``-tensor``, ``-metadata`` or ``-layout``.
    """
    size_bytes = stream.seek(0, SEEK_END)
    stream.seek(0)
    length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
    room = size_bytes - _LENGTH_BYTES
    if not 2 <= length <= min(room, limit_bytes):
        bound = f"2 to {max(2, min(room, limit_bytes))} bytes"
        raise AdmissionRefused("safetensors-length", length, because=f"a header has {bound}")
    header = parse_object(stream.read(length), what="safetensors")
    _check_metadata(header.pop(_METADATA, {}))
    tensors = {name: _tensor(name, entry) for name, entry in header.items()}
    _check_layout(tensors, data_bytes=room - length)
    return tensors


def _check_metadata(metadata: Json) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise AdmissionRefused(
            "safetensors-metadata", metadata, because="metadata maps text to text"
        )


def _tensor(name: str, entry: Json) -> TensorEntry:
    if isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}:
        dtype = str(entry["dtype"])
        match dtype in _BITS, _counts(entry["shape"]), _counts(entry["data_offsets"]):
            case True, tuple(shape), (begin, end):
                if prod(shape) * _BITS[dtype] == (end - begin) * 8:
                    return TensorEntry(dtype, shape, begin, end)
    raise AdmissionRefused(
        "safetensors-tensor",
        f"{name}: {entry}",
        because="a tensor has a known dtype, a shape, and offsets that hold exactly its bytes",
    )


def _counts(value: Json) -> tuple[int, ...] | None:
    if not isinstance(value, list):
        return None
    # By exact type: a bool is an int to Python, and no count.
    counts = tuple(item for item in value if type(item) is int and item >= 0)
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
