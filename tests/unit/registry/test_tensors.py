"""Numbers are looked at by their bits."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import AdmissionRefused
from medley_registry.safetensors_header import TensorEntry
from medley_registry.tensors import check_finite

WIDTH = {"BF16": 2, "F16": 2, "F32": 4}
INFINITE = {"BF16": 0x7F80, "F16": 0x7C00, "F32": 0x7F800000}
SIGN = {"BF16": 0x8000, "F16": 0x8000, "F32": 0x80000000}


def word(value: int, dtype: str) -> bytes:
    return value.to_bytes(WIDTH[dtype], "little")


def one_tensor(dtype: str, count: int) -> dict[str, TensorEntry]:
    return {"t": TensorEntry(dtype, (count,), 0, count * WIDTH[dtype])}


@pytest.mark.parametrize("dtype", WIDTH)
@pytest.mark.parametrize("sign", ["plus", "minus"])
@pytest.mark.parametrize(("mantissa", "kind"), [(0, "infinity"), (1, "NaN"), (0x40, "NaN")])
def test_one_value_that_is_no_number_is_found_wherever_it_is(
    dtype: str, sign: str, mantissa: int, kind: str
) -> None:
    value = INFINITE[dtype] + mantissa + (SIGN[dtype] if sign == "minus" else 0)
    count, width = 300_000, WIDTH[dtype]
    for place in (0, 1, 131_071, 131_072, count - 1):
        data = bytearray(count * width)
        data[place * width : (place + 1) * width] = word(value, dtype)

        with pytest.raises(AdmissionRefused) as refusal:
            check_finite([memoryview(data)], one_tensor(dtype, count))

        assert refusal.value.rule == "tensor-finite"
        assert refusal.value.value == f"{kind} in t at element {place}"


@pytest.mark.parametrize("dtype", WIDTH)
def test_the_largest_and_the_smallest_numbers_are_numbers(dtype: str) -> None:
    largest = INFINITE[dtype] - 1
    words = [largest, largest + SIGN[dtype], 0, SIGN[dtype], 1, 1 + SIGN[dtype]]

    check_finite(
        [memoryview(b"".join(word(value, dtype) for value in words))],
        one_tensor(dtype, len(words)),
    )


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_every_word_of_16_bits_is_told_as_its_format_says(dtype: str) -> None:
    for value in range(1 << 16):
        is_number = value & INFINITE[dtype] != INFINITE[dtype]
        try:
            check_finite([memoryview(word(value, dtype))], one_tensor(dtype, 1))
        except AdmissionRefused:
            assert not is_number
        else:
            assert is_number


@given(st.integers(0, 2**32 - 1))
def test_a_word_of_32_bits_is_told_as_python_tells_it(value: int) -> None:
    data = word(value, "F32")
    is_number = math.isfinite(struct.unpack("<f", data)[0])
    try:
        check_finite([memoryview(data)], one_tensor("F32", 1))
    except AdmissionRefused:
        assert not is_number
    else:
        assert is_number


def test_the_tensor_is_named_across_pieces_and_in_any_order() -> None:
    tensors = {
        "last": TensorEntry("F32", (2,), 24, 32),
        "first": TensorEntry("F32", (4,), 0, 16),
        "middle": TensorEntry("F32", (2,), 16, 24),
    }
    numbers = struct.pack("<8f", 0, 1, 2, 3, 4, math.nan, 6, 7)
    pieces = [memoryview(numbers[at : at + 4]) for at in range(0, 32, 4)]

    with pytest.raises(AdmissionRefused, match="NaN in middle at element 1"):
        check_finite(pieces, tensors)
