"""Files that lie about being safetensors, each with the rule that must refuse it."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.builders import safetensors_bytes

GOOD = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
MIB = 1 << 20


@dataclass(frozen=True)
class Malformed:
    name: str
    rule: str
    make: Callable[[], bytes]


def _file(rule: str, name: str, header: object, data_bytes: int = 0) -> Malformed:
    return Malformed(
        name, f"safetensors-{rule}", lambda: safetensors_bytes(header, bytes(data_bytes))
    )


def _tensor(name: str, data_bytes: int = 16, **change: object) -> Malformed:
    """One tensor that is good but for what changes."""
    return _file("tensor", name, {"a": GOOD | change}, data_bytes)


def _bytes(name: str, data: bytes) -> Malformed:
    return Malformed(name, "safetensors-length", lambda: data)


def _empty_tensors() -> bytes:
    entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = ",".join(f'"tensor.{number:06}":{entry}' for number in range(900_000))
    return safetensors_bytes(f"{{{header}}}".encode())


def _many_tensors() -> bytes:
    header = {
        f"{n}": {"dtype": "U8", "shape": [1], "data_offsets": [n, n + 1]} for n in range(16_385)
    }
    return safetensors_bytes(header, bytes(len(header)))


def _nested(text: bytes, depth: int) -> bytes:
    return b'{"a":' + text * depth


MALFORMED = [
    # The length of the header.
    _bytes("empty file", b""),
    _bytes("one byte", b"\2"),
    _bytes("no header", bytes(8)),
    _bytes("truncated", safetensors_bytes({"a": GOOD}, bytes(16))[:40]),
    _bytes("header of length 0", bytes(8) + b"{}"),
    _bytes("header of length 1", (1).to_bytes(8, "little") + b"{}"),
    _bytes("header beyond the file", (3).to_bytes(8, "little") + b"{}"),
    _bytes("header of 2^63 bytes", (2**63).to_bytes(8, "little") + b"{}"),
    _bytes("header of 2^64-1 bytes", b"\xff" * 8 + b"{}"),
    Malformed(
        "header over the limit",
        "safetensors-length",
        lambda: safetensors_bytes(b"{}".ljust(4 * MIB + 1)),
    ),
    Malformed("900,000 empty tensors", "safetensors-length", _empty_tensors),
    # Its JSON.
    _file("json", "an array", b"[]"),
    _file("json", "a string", b'"a"'),
    _file("json", "null", b"null"),
    _file("json", "not JSON", b"{x}"),
    _file("json", "a space before", b' {"a": 1}'),
    _file("json", "a byte order mark", "\ufeff{}".encode()),
    _file("json", "something after", b"{}x"),
    _file("json", "a NUL after", b"{}\0"),
    _file("json", "not UTF-8", b'{"\xff": 1}'),
    _file("json", "overlong UTF-8", b'{"\xc0\xaf": 1}'),
    _file("json", "UTF-16", "{}".encode("utf-16")),
    _file("json", "half a surrogate pair in a name", b'{"\\ud800": 1}'),
    _file("json", "half a surrogate pair in metadata", b'{"__metadata__": {"a": "\\udc00"}}'),
    _file("json", "NaN", b'{"a": NaN}'),
    _file("json", "infinity", b'{"a": -Infinity}'),
    _file("json", "a number beyond a double", b'{"a": 1e400}'),
    _file("json", "minus zero", json.dumps({"a": GOOD}).replace("[0,", "[-0,").encode(), 16),
    _file("json", "a number of 5000 digits", b'{"a": ' + b"9" * 5000 + b"}"),
    _file("json", "a control character in a name", b'{"a\nb": 1}'),
    _file("json", "open arrays without end", _nested(b"[", 100_000)),
    _file("json", "open objects without end", _nested(b'{"a":', 100_000)),
    _file("json", "deep nesting", _nested(b"[", 5000) + b"]" * 5000 + b"}"),
    # Names.
    _file(
        "duplicate",
        "exact duplicate name",
        f'{{"a": {json.dumps(GOOD)}, "a": {json.dumps(GOOD)}}}'.encode(),
        16,
    ),
    _file("duplicate", "duplicate name by an escape", b'{"a": 1, "\\u0061": 2}'),
    _file("duplicate", "duplicate key", b'{"a": {"dtype": "U8", "dtype": "I8"}}'),
    _file("duplicate", "duplicate metadata", b'{"__metadata__": {}, "__metadata__": {}}'),
    # Metadata.
    _file("metadata", "metadata with a number", {"__metadata__": {"format": 1}}),
    _file("metadata", "metadata in metadata", {"__metadata__": {"format": {}}}),
    _file("metadata", "metadata that is text", {"__metadata__": "pt"}),
    _file("metadata", "metadata that is null", {"__metadata__": None}),
    _file("metadata", "large metadata", {"__metadata__": {"a": "x" * (64 << 10)}}),
    Malformed(
        "5 MB of metadata",
        "safetensors-length",
        lambda: safetensors_bytes({"__metadata__": {"a": "x" * 5_000_000}}),
    ),
    Malformed("16,385 tensors", "safetensors-count", _many_tensors),
    # A tensor.
    _file("tensor", "null for a tensor", {"a": None}),
    _file("tensor", "an array for a tensor", {"a": ["F32", [2, 2], [0, 16]]}, 16),
    _file("tensor", "no offsets", {"a": {"dtype": "F32", "shape": [1]}}, 4),
    _tensor("a key more", more=1),
    _tensor("unknown dtype", dtype="PY"),
    _tensor("unknown dtype of no bytes", 0, dtype="PY", shape=[0], data_offsets=[0, 0]),
    _tensor("dtype that is a number", dtype=4),
    _tensor("dtype in an array", dtype=["F32"]),
    _tensor("negative sides", shape=[-2, -2]),
    _tensor("fractional side", shape=[4.0]),
    _tensor("side with an exponent", shape=[4e0]),
    _tensor("true for a side", shape=[True, 4]),
    _tensor("null for a side", shape=[None, 4]),
    _tensor("text for a side", shape=["2", 2]),
    _tensor("text for a shape", shape="22"),
    _tensor("shape that is an object", shape={"2": 2}),
    _tensor("other shape than its bytes", shape=[2, 3]),
    _tensor("no elements", 0, shape=[0], data_offsets=[0, 0]),
    _tensor("no elements, a side of 2^60", 0, shape=[0, 2**60], data_offsets=[0, 0]),
    _tensor("no elements, sides beyond 64 bits", 0, shape=[2**62, 2**62, 0], data_offsets=[0, 0]),
    _tensor("sides whose product wraps to 16 bytes", shape=[2**62 + 1, 4]),
    _tensor("side of 2^63", shape=[2**63, 1]),
    _tensor("side of 2^64", shape=[2**64, 1]),
    _tensor("side of 10^4000", shape=[10**4000]),
    _tensor("17 sides", 4, shape=[1] * 17, data_offsets=[0, 4]),
    _tensor("offsets that hold less", data_offsets=[0, 15]),
    _tensor("offsets reversed", data_offsets=[16, 0]),
    _tensor("one offset", data_offsets=[16]),
    _tensor("three offsets", data_offsets=[0, 8, 16]),
    _tensor("negative offsets", data_offsets=[-16, 0]),
    _tensor("fractional offsets", data_offsets=[0.0, 16.0]),
    _tensor("offset of 2^63", data_offsets=[2**63 - 16, 2**63]),
    _tensor("offset of 2^64", data_offsets=[2**64, 2**64 + 16]),
    _tensor("part of a byte", 2, dtype="F4", shape=[3], data_offsets=[0, 2]),
    # Where tensors lie.
    _file("layout", "a byte too few", {"a": GOOD}, 15),
    _file("layout", "trailing bytes", {"a": GOOD}, 17),
    _file("layout", "bytes without a tensor", {}, 1),
    _file("layout", "a hole at the beginning", {"a": GOOD | {"data_offsets": [4, 20]}}, 20),
    _file("layout", "overlap", {"a": GOOD, "b": GOOD | {"data_offsets": [8, 24]}}, 24),
    _file("layout", "two tensors in one place", {"a": GOOD, "b": GOOD}, 16),
    _file("layout", "a hole", {"a": GOOD, "b": GOOD | {"data_offsets": [20, 36]}}, 36),
    _file("layout", "offsets beyond the file", {"a": GOOD | {"data_offsets": [2**62, 2**62 + 16]}}),
]


def _filled(rule: str, name: str, begin: bytes, piece: bytes, end: bytes) -> Malformed:
    """A header as long as may be, of a piece repeated."""
    times = (4 * MIB - len(begin) - len(end)) // len(piece)
    return Malformed(
        name, f"safetensors-{rule}", lambda: safetensors_bytes(begin + piece * times + end)
    )


COSTLY = [
    _filled("tensor", "arrays", b'{"a":[', b"[],", b"[]]}"),
    _filled("tensor", "objects of one", b'{"a":[', b'{"":0},', b"{}]}"),
    _filled("tensor", "long sides", b'{"a":{"dtype":"U8","shape":[', b"9999999,", b"1]}}"),
    _filled("tensor", "wide text", b'{"', "😀".encode(), b'":0}'),
    _filled("metadata", "long metadata", b'{"__metadata__":{"a":"', b"x", b'"}}'),
    _filled("json", "escapes", b'{"a":"', b"\\u0061", b'\\ud800"}'),
]
"""What makes the most of four megabytes."""
