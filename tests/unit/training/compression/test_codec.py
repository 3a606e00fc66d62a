import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.compression.codec import check_codec, codec
from medley_training.errors import ContributionRefused, RecipeError
from medley_training.local.nf4 import quiet_bitsandbytes

LOSSY = ("bf16", "int8", "int8:f16", "nf4", "nf4:f16", "topk:0.1", "topk:1")
finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("name", LOSSY)
@settings(max_examples=40)
@given(values=st.lists(finite, min_size=1, max_size=200))
def test_parts_have_the_lengths_and_dtypes_promised(name: str, values: list[float]) -> None:
    import torch

    found, tensor = codec(name), torch.tensor(values)

    parts = found.encode(tensor)

    assert {part: len(numbers) for part, numbers in parts.items()} == found.lengths(len(values))
    assert found.dtypes(len(values)).keys() == parts.keys()
    decoded = found.decode(parts, len(values))
    assert decoded.shape == tensor.shape
    assert decoded.dtype == torch.float32
    assert bool(torch.isfinite(decoded).all())


@pytest.mark.parametrize("name", LOSSY)
def test_encoding_what_was_decoded_changes_nothing(name: str) -> None:
    import torch

    found = codec(name)
    values = torch.randn(4999, generator=torch.Generator().manual_seed(1))

    once = found.decode(found.encode(values), 4999)
    twice = found.decode(found.encode(once), 4999)

    torch.testing.assert_close(twice, once, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("name", "bound"),
    [("bf16", 2e-3), ("int8", 9e-3), ("int8:f16", 9e-3), ("nf4", 0.095), ("nf4:f16", 0.095)],
)
def test_normal_numbers_come_back_within_the_codecs_precision(name: str, bound: float) -> None:
    import torch

    found = codec(name)
    values = torch.randn(100_000, generator=torch.Generator().manual_seed(2)) * 1e-4

    error = found.decode(found.encode(values), len(values)) - values

    assert 0 < float(error.norm() / values.norm()) < bound


@settings(max_examples=40)
@given(values=st.lists(finite, min_size=1, max_size=300))
def test_int8_is_off_by_half_a_step_at_most(values: list[float]) -> None:
    import torch

    found, tensor = codec("int8"), torch.tensor(values)

    decoded = found.decode(found.encode(tensor), len(values))

    step = float(tensor.abs().max()) / 127
    assert float((decoded.double() - tensor.double()).abs().max()) <= 0.51 * step + 1e-40


def test_nf4_gives_what_bitsandbytes_gives() -> None:
    import torch

    with quiet_bitsandbytes():
        from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    values = torch.randn(4608, generator=torch.Generator().manual_seed(3))
    theirs, state = quantize_4bit(values, blocksize=64, quant_type="nf4")

    parts = codec("nf4").encode(values)

    assert parts["codes"].equal(theirs.flatten())
    assert parts["scales"].equal(state.absmax)
    decoded, expected = codec("nf4").decode(parts, 4608), dequantize_4bit(theirs, state).flatten()
    torch.testing.assert_close(decoded, expected, rtol=1e-6, atol=0)


def test_topk_sends_the_largest_and_nothing_else() -> None:
    import torch

    values = torch.tensor([0.5, -4.0, 0.25, 2.0, 0.0, -1.0, 2.0, 0.125, 0.5, 0.25])

    decoded = codec("topk:0.3").decode(codec("topk:0.3").encode(values), 10)

    assert decoded.tolist() == [0, -4.0, 0, 2.0, 0, 0, 2.0, 0, 0, 0]


def test_places_take_two_bytes_where_no_tensor_is_large() -> None:
    assert codec("topk:0.1").dtypes(65_536)["places"] == "U16"
    assert codec("topk:0.1").dtypes(65_537)["places"] == "I32"


@pytest.mark.parametrize(
    ("name", "part", "index", "value", "reason"),
    [
        ("bf16", "values", 3, float("nan"), "not_finite"),
        ("int8", "scales", 0, float("inf"), "not_finite"),
        ("int8:f16", "scales", 0, float("nan"), "not_finite"),
        ("int8", "scales", 0, -1.0, "malformed"),
        ("int8", "codes", 5, -128, "malformed"),
        ("nf4", "scales", 1, float("-inf"), "not_finite"),
        ("nf4", "scales", 0, -0.0, "malformed"),
        ("nf4", "codes", 50, 0x01, "malformed"),
        ("topk:0.1", "values", 0, float("inf"), "not_finite"),
        ("topk:0.1", "places", 10, 101, "malformed"),
        ("topk:0.1", "places", 0, -1, "malformed"),
    ],
)
def test_a_number_that_no_encoder_writes_is_refused(
    name: str, part: str, index: int, value: float, reason: str
) -> None:
    import torch

    found = codec(name)
    values = torch.randn(101, generator=torch.Generator().manual_seed(4))
    parts = {part: numbers.clone() for part, numbers in found.encode(values).items()}
    parts[part][index] = value

    with pytest.raises(ContributionRefused) as caught:
        found.decode(parts, 101)

    assert caught.value.reason == reason


def test_a_place_that_is_named_twice_is_refused() -> None:
    import torch

    parts = dict(codec("topk:0.2").encode(torch.arange(20.0)))
    parts["places"][1] = parts["places"][0]

    with pytest.raises(ContributionRefused, match="twice"):
        codec("topk:0.2").decode(parts, 20)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "f32",
        "bf16:",
        "bf16:f16",
        "int8:",
        "int8:bf16",
        "nf4:64",
        "topk",
        "topk:",
        "topk:0",
        "topk:1.5",
        "topk:nan",
        "topk:half",
        "none:1",
    ],
)
def test_an_unknown_codec_is_refused_with_the_right_ones(name: str) -> None:
    with pytest.raises(RecipeError, match=r"there are none, bf16, int8, int8:f16"):
        check_codec(name)


def test_every_codec_can_be_asked_for() -> None:
    for name in ("none", *LOSSY):
        check_codec(name)
