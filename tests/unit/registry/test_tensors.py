"""Numbers are looked at by their bits, and measured in float64."""

import io
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import AdmissionRefused
from medley_registry.safetensors_header import TensorEntry
from medley_registry.tensors import check_finite, delta_norms, norms

from tests.builders import safetensors_bytes

WIDTH = {"BF16": 2, "F16": 2, "F32": 4}
INFINITE = {"BF16": 0x7F80, "F16": 0x7C00, "F32": 0x7F800000}
SIGN = {"BF16": 0x8000, "F16": 0x8000, "F32": 0x80000000}


def word(value: int, dtype: str) -> bytes:
    return value.to_bytes(WIDTH[dtype], "little")


def one_tensor(dtype: str, count: int) -> dict[str, TensorEntry]:
    return {"t": TensorEntry(dtype, (count,), 0, count * WIDTH[dtype])}


def bits_of(array: np.ndarray, dtype: str) -> bytes:
    """The array in a dtype; BF16 by cutting, since the tests' numbers fit."""
    if dtype == "BF16":
        return (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return array.astype({"F16": "<f2", "F32": "<f4"}[dtype]).tobytes()


def weights(dtype: str, **matrices: np.ndarray) -> io.BytesIO:
    header, data = {}, b""
    for name, matrix in matrices.items():
        content = bits_of(matrix, dtype)
        offsets = [len(data), len(data) + len(content)]
        full = f"base_model.model.{name.replace('__', '.lora_')}.weight"
        header[full] = {"dtype": dtype, "shape": matrix.shape, "data_offsets": offsets}
        data += content
    return io.BytesIO(safetensors_bytes(header, data))


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


@pytest.mark.parametrize("dtype", WIDTH)
def test_norms_are_those_of_the_stored_numbers(dtype: str) -> None:
    a, b = np.array([[3.0, 0.0, 4.0]]), np.array([[0.5], [-2.0]])

    found = norms(weights(dtype, q__A=a, q__B=b))

    assert found == {
        "base_model.model.q.lora_A.weight": 5.0,
        "base_model.model.q.lora_B.weight": math.sqrt(4.25),
    }


@pytest.mark.parametrize("shape", [(3, 2, 4), (40, 8, 30), (1, 1, 1), (9000, 33, 2100)])
def test_the_norm_of_a_delta_is_that_of_the_product(shape: tuple[int, int, int]) -> None:
    out, rank, into = shape
    random = np.random.default_rng(1)
    a = random.standard_normal((rank, into)).astype("<f4")
    b = random.standard_normal((out, rank)).astype("<f4")

    found = delta_norms(weights("F32", q__A=a, q__B=b))

    assert found["q"] == pytest.approx(np.linalg.norm(b.astype("f8") @ a.astype("f8")), rel=1e-12)


def test_an_adapter_that_does_nothing_has_a_norm_of_zero() -> None:
    a = np.ones((2, 3), dtype="<f4")

    assert delta_norms(weights("F32", q__A=a, q__B=np.zeros((4, 2)))) == {"q": 0.0}


@pytest.mark.parametrize("read", [norms, delta_norms])
def test_what_is_no_adapter_has_no_norms(read: type) -> None:
    with pytest.raises(AdmissionRefused, match="tensor-name"):
        read(
            io.BytesIO(
                safetensors_bytes(
                    {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)
                )
            )
        )
