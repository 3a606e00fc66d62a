"""What must hold of our readers for any bytes at all."""

import io
import re
import struct

from medley_registry import AdmissionRefused
from medley_registry.adapter_config import MAX_ALPHA, MAX_RANK, parse_adapter_config
from medley_registry.safetensors_header import TensorEntry, read_header

from tests.fuzz.recipe import config_of, file_of

Tensors = dict[str, tuple[str, tuple[int, ...], int]]
_NUMBER = re.compile(rb"\d{1,6}")


def read_by_library(data: bytes) -> Tensors | None:
    """Dtype, shape and number of bytes by name, if the safetensors library takes the file."""
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError:
        return None
    return {name: (e["dtype"], tuple(e["shape"]), len(e["data"])) for name, e in found}


def check_header(data: bytes) -> None:
    """Our reader refuses or returns, and what it takes the library reads as the same."""
    for file in (data, _framed(data), file_of(data)):
        try:
            ours = read_header(io.BytesIO(file))
        except AdmissionRefused as refusal:
            _check_refusal(refusal)
            continue
        theirs = read_by_library(file)
        assert theirs == {name: _plain(entry) for name, entry in ours.items()}, file


def check_config(data: bytes) -> None:
    """A configuration is refused, or gives every module a rank and a scaling that engines take."""
    for text in (data, config_of(data)):
        try:
            config = parse_adapter_config(text)
            rank, scaling = config.rank_and_scaling("model.layers.0.self_attn.q_proj")
        except AdmissionRefused as refusal:
            _check_refusal(refusal)
            continue
        assert 1 <= rank <= config.max_rank <= MAX_RANK, text
        assert 0 < scaling <= MAX_ALPHA, text


def _framed(text: bytes) -> bytes:
    """The bytes as the header of a file with as much data as they may speak of."""
    sizes = map(int, _NUMBER.findall(text))
    return struct.pack("<Q", len(text)) + text + bytes(min(max(sizes, default=0), 1 << 16))


def _plain(entry: TensorEntry) -> tuple[str, tuple[int, ...], int]:
    return entry.dtype, entry.shape, entry.size_bytes


def _check_refusal(refusal: AdmissionRefused) -> None:
    assert len(str(refusal)) < 400, refusal
    assert str(refusal).isprintable(), refusal
