import io
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import AdmissionRefused
from medley_registry.safetensors_header import (
    ADAPTER_LIMITS,
    TensorEntry,
    header_length,
    read_header,
    read_tensor,
)

from tests.builders import safetensors_bytes
from tests.fuzz.malformed import COSTLY, MALFORMED, Malformed
from tests.fuzz.oracle import read_by_library

GOOD = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def whole_file(header: object, *, data_bytes: int) -> io.BytesIO:
    return io.BytesIO(safetensors_bytes(header, bytes(data_bytes)))


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


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_a_malformed_file_is_refused_by_its_rule(case: Malformed) -> None:
    with pytest.raises(AdmissionRefused) as refusal:
        read_header(io.BytesIO(case.make()))

    assert refusal.value.rule == case.rule
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()


def test_the_library_accepts_some_of_what_is_refused_here() -> None:
    """If it no longer did, our own reader could be given up."""
    lenient = {"exact duplicate name", "no elements, a side of 2^60", "large metadata"}
    cases = [case for case in MALFORMED if case.name in lenient]

    assert len(cases) == len(lenient)
    assert all(read_by_library(case.make()) is not None for case in cases)


@pytest.mark.slow
def test_no_header_costs_its_reader_more_than_256_mib(tmp_path: Path) -> None:
    code = """
import io, resource, sys
from pathlib import Path
from medley_registry import AdmissionRefused
from medley_registry.safetensors_header import read_header

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + (256 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for name in sys.argv[1:]:
    with open(name, "rb") as stream:
        try:
            read_header(stream)
        except AdmissionRefused as refusal:
            print(refusal.rule)
"""
    files = []
    for case in COSTLY:
        files.append(tmp_path / case.name)
        files[-1].write_bytes(case.make())

    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, files)], capture_output=True, text=True, check=False
    )

    assert done.stdout.split() == [case.rule for case in COSTLY], done.stderr


def test_a_header_as_long_as_the_limit_is_read(tmp_path: Path) -> None:
    padded = json.dumps({"a": GOOD}).encode().ljust(ADAPTER_LIMITS.header_bytes)

    assert read_header(whole_file(padded, data_bytes=16)).keys() == {"a"}


@pytest.mark.parametrize("prefix", [b"", b"\2", struct.pack("<Q", 3)[:7]])
def test_a_length_of_less_than_eight_bytes_is_no_length(prefix: bytes) -> None:
    with pytest.raises(AdmissionRefused, match="safetensors-length"):
        header_length(prefix, size_bytes=100)


def test_one_small_tensor_can_be_read_alone() -> None:
    header = {
        "a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},
        "b": {"dtype": "U8", "shape": [3], "data_offsets": [2, 5]},
    }
    stream = io.BytesIO(safetensors_bytes(header, b"aabbb"))
    entry = read_header(stream)["b"]

    assert read_tensor(stream, entry, limit_bytes=3) == b"bbb"
    with pytest.raises(AdmissionRefused, match="safetensors-tensor"):
        read_tensor(stream, entry, limit_bytes=2)


@given(st.binary(max_size=64), st.integers(0, 70))
def test_any_other_bytes_are_refused_and_nothing_else_happens(data: bytes, length: int) -> None:
    try:
        tensors = read_header(io.BytesIO(struct.pack("<Q", length) + data))
    except AdmissionRefused:
        return

    assert tensors == {}
