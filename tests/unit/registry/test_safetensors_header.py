import io
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import AdmissionRefused
from medley_registry.safetensors_header import HEADER_LIMIT_BYTES, TensorEntry, read_header

GOOD = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def whole_file(header: object, *, data_bytes: int) -> io.BytesIO:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(text)) + text + bytes(data_bytes))


def test_a_header_gives_each_tensor_with_its_place() -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]},
        "a": GOOD,
        "scalar": {"dtype": "U8", "shape": [], "data_offsets": [22, 23]},
    }

    assert read_header(whole_file(header, data_bytes=23)) == {
        "b": TensorEntry("BF16", (3,), 16, 22),
        "a": TensorEntry("F32", (2, 2), 0, 16),
        "scalar": TensorEntry("U8", (), 22, 23),
    }


@pytest.mark.parametrize(
    ("rule", "header", "data_bytes"),
    [
        ("json", b"[]", 0),
        ("json", b"{x}", 0),
        ("json", b"\xff\xff", 0),
        ("json", b'{"a": NaN}', 0),
        ("duplicate", b'{"a": {"dtype": "U8", "dtype": "I8"}}', 0),
        ("metadata", {"__metadata__": {"format": 1}}, 0),
        ("metadata", {"__metadata__": "pt"}, 0),
        ("tensor", {"a": None}, 0),
        ("tensor", {"a": {"dtype": "F32", "shape": [1]}}, 4),
        ("tensor", {"a": GOOD | {"more": 1}}, 16),
        ("tensor", {"a": GOOD | {"dtype": "PY"}}, 16),
        ("tensor", {"a": GOOD | {"dtype": "PY", "shape": [0], "data_offsets": [0, 0]}}, 0),
        ("tensor", {"a": GOOD | {"dtype": 4}}, 16),
        ("tensor", {"a": GOOD | {"shape": [-2, -2]}}, 16),
        ("tensor", {"a": GOOD | {"shape": [4.0]}}, 16),
        ("tensor", {"a": GOOD | {"shape": [True, 4]}}, 16),
        ("tensor", {"a": GOOD | {"shape": [2**62, 4]}}, 16),
        ("tensor", {"a": GOOD | {"shape": "22"}}, 16),
        ("tensor", {"a": GOOD | {"data_offsets": [0, 15]}}, 16),
        ("tensor", {"a": GOOD | {"data_offsets": [16, 0]}}, 16),
        ("tensor", {"a": GOOD | {"data_offsets": [0, 8, 16]}}, 16),
        ("layout", {"a": GOOD}, 15),
        ("layout", {"a": GOOD}, 17),
        ("layout", {"a": GOOD | {"data_offsets": [4, 20]}}, 20),
        ("layout", {"a": GOOD, "b": GOOD | {"data_offsets": [8, 24]}}, 24),
        ("layout", {"a": GOOD, "b": GOOD | {"data_offsets": [20, 36]}}, 36),
        ("layout", {}, 1),
    ],
)
def test_a_header_that_lies_is_refused(rule: str, header: object, data_bytes: int) -> None:
    with pytest.raises(AdmissionRefused) as refusal:
        read_header(whole_file(header, data_bytes=data_bytes))

    assert refusal.value.rule == f"safetensors-{rule}"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02",
        struct.pack("<Q", 3) + b"{}",
        struct.pack("<Q", 0) + b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", HEADER_LIMIT_BYTES + 1) + b" " * (HEADER_LIMIT_BYTES + 1),
        b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtin\x94.",
        b"PK\x03\x04" + bytes(60),
    ],
)
def test_the_length_of_a_header_is_bounded_before_it_is_read(data: bytes) -> None:
    with pytest.raises(AdmissionRefused, match="safetensors-length"):
        read_header(io.BytesIO(data))


@given(st.binary(max_size=64), st.integers(0, 70))
def test_any_other_bytes_are_refused_and_nothing_else_happens(data: bytes, length: int) -> None:
    try:
        tensors = read_header(io.BytesIO(struct.pack("<Q", length) + data))
    except AdmissionRefused:
        return

    assert tensors == {}
