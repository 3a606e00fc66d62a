from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from medley_training.compression.contribution_file import (
    ContributionFile,
    check_contribution,
    write_contribution,
)
from medley_training.errors import ContributionRefused, RecipeError
from medley_training.factors import TensorAdapter, adapter_of, tensors_of
from medley_training.local.lora import BOTH_FACTORS, LoraShape

from tests.unit.training.compression.adapters import (
    SHAPE,
    drawn_tensors,
    only,
    start_adapter,
    start_tensors,
)

CODECS = ("none", "bf16", "int8", "int8:f16", "nf4", "topk:0.1")


def _written(folder: Path, codec: str, factor: str = "") -> Path:
    path = folder / "contribution.safetensors"
    trained = drawn_tensors(1)
    write_contribution(
        path, only(trained, factor) if factor else trained, start_tensors(), codec, None
    )
    return path


def _check(path: Path, codec: str, **changes: Any) -> float:
    options = {"trains": BOTH_FACTORS, "max_norm": 1e6, **changes}
    return check_contribution(path, start_adapter(), SHAPE, codec, **options)


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_not_sent_is_exactly_the_feedback(tmp_path: Path, codec: str) -> None:
    import torch

    path, trained = tmp_path / "c", drawn_tensors(1)
    rest = write_contribution(path, trained, start_tensors(), codec, None)

    received = dict(tensors_of(ContributionFile(path, start_adapter(), SHAPE, codec)))

    assert received.keys() == trained.keys()
    for name, tensor in received.items():
        missing = 0.0 if rest is None else rest[name]
        torch.testing.assert_close(tensor + missing, trained[name], rtol=0, atol=2e-6)
        assert tensor.dtype == torch.float32
    assert (rest is None) == (codec == "none")


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_tensors_give_the_same_bytes(tmp_path: Path, codec: str) -> None:
    first = _written(tmp_path, codec).read_bytes()

    backwards = dict(reversed(drawn_tensors(1).items()))
    write_contribution(tmp_path / "again", backwards, start_tensors(), codec, None)

    assert (tmp_path / "again").read_bytes() == first


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("factor", ["A", "B"])
def test_factors_that_were_not_trained_are_the_starts(
    tmp_path_factory: pytest.TempPathFactory, codec: str, factor: str
) -> None:
    whole = _written(tmp_path_factory.mktemp("whole"), codec)
    path = _written(tmp_path_factory.mktemp("part"), codec, factor)

    found = ContributionFile(path, start_adapter(), SHAPE, codec)

    assert found.trained == {factor}
    assert path.stat().st_size < 0.8 * whole.stat().st_size
    changed = {n for n, t in tensors_of(found) if not t.equal(start_tensors()[n])}
    assert changed == only(start_tensors(), factor).keys()


def test_a_file_without_codec_is_an_adapter_that_peft_names(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    tensors = load_file(_written(tmp_path, "none"))

    assert tensors.keys() == start_tensors().keys()
    assert all(tensors[name].equal(tensor) for name, tensor in drawn_tensors(1).items())


def test_the_norm_is_that_of_the_dense_change(tmp_path: Path) -> None:
    path, start = _written(tmp_path, "none"), start_adapter()
    trained = adapter_of(drawn_tensors(1), SHAPE)

    norm = _check(path, "none")

    dense = sum(
        float(
            (trained.factors(m).b @ trained.factors(m).a - start.factors(m).b @ start.factors(m).a)
            .mul(SHAPE.scale)
            .square()
            .sum()
        )
        for m in start.modules
    )
    assert norm == pytest.approx(dense**0.5, rel=1e-5)


def test_a_contribution_that_changes_nothing_has_norm_zero(tmp_path: Path) -> None:
    write_contribution(tmp_path / "c", start_tensors(), start_tensors(), "none", None)

    assert _check(tmp_path / "c", "none") == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("codec", CODECS)
def test_a_change_out_of_all_proportion_is_refused(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "c"
    huge = {name: 1e15 * tensor for name, tensor in drawn_tensors(1).items()}
    write_contribution(path, huge, start_tensors(), codec, None)

    assert _reason(lambda: _check(path, codec, max_norm=1e3)) == "absurd_norm"


def test_the_largest_numbers_of_float32_are_an_absurd_norm_and_no_overflow(tmp_path: Path) -> None:
    largest = {name: tensor * 0 + 3e38 for name, tensor in drawn_tensors(1).items()}
    write_contribution(tmp_path / "c", largest, start_tensors(), "none", None)

    assert _reason(lambda: _check(tmp_path / "c", "none", max_norm=1e3)) == "absurd_norm"


@pytest.mark.parametrize("codec", CODECS)
def test_other_factors_than_asked_are_refused(tmp_path: Path, codec: str) -> None:
    path = _written(tmp_path, codec, "A")

    for trains in (frozenset("B"), BOTH_FACTORS):
        assert _reason(lambda: _check(path, codec, trains=trains)) == "malformed"  # noqa: B023


@pytest.mark.parametrize("codec", CODECS)
def test_another_codec_than_asked_is_refused(tmp_path: Path, codec: str) -> None:
    path = _written(tmp_path, codec)

    for other in set(CODECS) - {codec}:
        assert _reason(lambda: _check(path, other)) == "malformed"  # noqa: B023


@pytest.mark.parametrize("codec", CODECS)
def test_an_adapter_of_another_rank_is_refused(tmp_path: Path, codec: str) -> None:
    tensors = start_tensors()
    wider = {n: t.repeat(2, 1) if ".lora_A." in n else t.repeat(1, 2) for n, t in tensors.items()}
    write_contribution(tmp_path / "c", wider, {n: 0 * t for n, t in wider.items()}, codec, None)

    assert _reason(lambda: _check(tmp_path / "c", codec)) == "wrong_shape"


@pytest.mark.parametrize("codec", CODECS)
def test_nan_is_refused_wherever_it_can_be_written(tmp_path: Path, codec: str) -> None:
    def poison(tensors: dict[str, Any]) -> dict[str, Any]:
        name = next(n for n in sorted(tensors) if tensors[n].is_floating_point())
        tensors[name].view(-1)[-1] = float("nan")
        return tensors

    path = _altered(_written(tmp_path, codec), codec, poison)

    assert _reason(lambda: _check(path, codec)) == "not_finite"


@pytest.mark.parametrize("codec", CODECS)
def test_a_renamed_tensor_is_refused(tmp_path: Path, codec: str) -> None:
    path = _altered(
        _written(tmp_path, codec),
        codec,
        lambda tensors: {
            f"{name}\x1b[2J" if i == 0 else name: tensors[name] for i, name in enumerate(tensors)
        },
    )

    with pytest.raises(ContributionRefused, match="malformed") as caught:
        _check(path, codec)

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["float64", "float16", "int32", "uint8", "bool"])
def test_another_dtype_is_refused(tmp_path: Path, codec: str, dtype: str) -> None:
    import torch

    path = _altered(
        _written(tmp_path, codec),
        codec,
        lambda tensors: {
            n: torch.zeros(t.shape, dtype=getattr(torch, dtype)) for n, t in tensors.items()
        },
    )

    assert _reason(lambda: _check(path, codec)) == "malformed"


@pytest.mark.parametrize("codec", CODECS)
def test_another_shape_of_as_many_numbers_is_refused(tmp_path: Path, codec: str) -> None:
    path = _altered(
        _written(tmp_path, codec),
        codec,
        lambda tensors: {n: t.reshape(1, -1) for n, t in tensors.items()},
    )

    assert _reason(lambda: _check(path, codec)) == "wrong_shape"


def test_more_metadata_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(start_tensors(), tmp_path / "c", metadata={"codec": "none", "note": "hello"})
    assert _reason(lambda: _check(tmp_path / "c", "none")) == "malformed"

    save_file(start_tensors(), tmp_path / "c")
    assert _reason(lambda: _check(tmp_path / "c", "none")) == "malformed"


@given(data=st.binary(max_size=300))
@settings(max_examples=30)
def test_random_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(data)

    assert _reason(lambda: _check(path, "nf4")) == "malformed"


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
@settings(max_examples=10)
def test_a_file_cut_short_is_refused(
    tmp_path_factory: pytest.TempPathFactory, codec: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = _written(folder, codec).read_bytes()
    path = folder / "cut"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])

    assert _reason(lambda: _check(path, codec)) == "malformed"


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
@settings(max_examples=30)
def test_flipped_bytes_give_an_adapter_of_finite_numbers_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, codec: str, data: st.DataObject
) -> None:
    import torch

    folder = tmp_path_factory.mktemp("flipped")
    content = bytearray(_written(folder, codec).read_bytes())
    path = folder / "flipped"
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    try:
        norm = _check(path, codec)
    except ContributionRefused as refused:
        event(refused.reason)
        return

    assert 0 <= norm <= 1e6
    for name, tensor in tensors_of(ContributionFile(path, start_adapter(), SHAPE, codec)):
        assert tensor.shape == start_tensors()[name].shape
        assert bool(torch.isfinite(tensor).all())


def test_a_file_that_shrinks_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, "nf4")
    opened = ContributionFile(path, start_adapter(), SHAPE, "nf4")

    path.write_bytes(path.read_bytes()[:400])

    assert _reason(lambda: list(tensors_of(opened))) == "malformed"


def test_a_module_that_is_not_there_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        ContributionFile(_written(tmp_path, "bf16"), start_adapter(), SHAPE, "bf16").factors(
            "k_proj"
        )


def test_a_codec_that_does_not_exist_is_the_recipes_fault(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no codec 'zip'"):
        _written(tmp_path, "zip")


def test_the_scale_is_the_shapes(tmp_path: Path) -> None:
    shape = LoraShape(rank=3, alpha=6, use_rslora=True)

    found = ContributionFile(_written(tmp_path, "none"), start_adapter(), shape, "none")

    assert found.factors(found.modules[0]).scale == pytest.approx(6 / 3**0.5)


@pytest.mark.parametrize(
    ("codec", "share"),
    [("bf16", 0.5), ("int8", 0.2503), ("nf4", 0.1407), ("nf4:f16", 0.1330), ("topk:0.1", 0.1002)],
)
def test_a_contribution_takes_its_share_of_float32(
    tmp_path: Path, codec: str, share: float
) -> None:
    """At the size of a 7B's projections; the share is of the numbers, without a file's header."""
    import torch

    names = {
        f"base_model.model.m.lora_{f}.weight": s for f, s in (("A", (16, 4096)), ("B", (4096, 16)))
    }
    trained = {
        n: torch.randn(s, generator=torch.Generator().manual_seed(5)) for n, s in names.items()
    }
    start = {name: 0 * tensor for name, tensor in trained.items()}
    path = tmp_path / "c"

    write_contribution(path, trained, start, codec, None)

    size_bytes = path.stat().st_size - 8 - int.from_bytes(path.read_bytes()[:8], "little")
    assert size_bytes == pytest.approx(share * 4 * 2 * 16 * 4096, rel=2e-3)


def _altered(path: Path, codec: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    from safetensors.torch import load_file, save_file

    tensors = change({name: tensor.clone() for name, tensor in load_file(path).items()})
    save_file(tensors, path, metadata={"codec": codec})
    return path


def _reason(action: Callable[[], object]) -> str:
    with pytest.raises(ContributionRefused) as caught:
        action()
    return caught.value.reason


def test_the_start_is_not_changed(tmp_path: Path) -> None:
    start = start_adapter()
    path = _written(tmp_path, "int8")

    list(tensors_of(ContributionFile(path, start, SHAPE, "int8")))

    assert isinstance(start, TensorAdapter)
    assert all(tensor.equal(start_tensors()[name]) for name, tensor in tensors_of(start))
