"""What cannot be made is refused with the reason and what to do instead."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from medley_training.errors import CannotQuantize
from medley_training.quantizing import autoawq
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.choosing import Wanted, base_maker, version_maker
from medley_training.quantizing.group_size import group_size_for
from medley_training.quantizing.isolated import LlmCompressor

from tests.unit.training.quantizing.conftest import Stock


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("w8a8", "the server crashes: use nf4 or awq"),
        ("gptq", "use awq"),
        ("merged", "name a version, as in"),
        ("gguf", "name a version, as in"),
        ("int3", "no method 'int3': a base can be nf4, awq"),
    ],
)
def test_a_base_has_no_such_variant(stock: Stock, method: str, reason: str) -> None:
    with pytest.raises(CannotQuantize, match=reason):
        base_maker(stock.base, Wanted(method=method))


def test_a_version_is_served_on_its_quantized_base_as_it_is(stock: Stock) -> None:
    with pytest.raises(CannotQuantize, match="quantize its base"):
        version_maker(stock.registry, stock.version, Wanted(method="awq"))


@pytest.mark.slow  # imports autoawq
def test_autoawq_is_not_asked_for_what_it_does_not_know(stock: Stock, tmp_path: Path) -> None:
    config = json.loads((stock.base.path / "config.json").read_bytes())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "qwen2_5_vl"}))

    with pytest.raises(CannotQuantize, match="use --tool llm-compressor"):
        base_maker(replace(stock.base, path=tmp_path), Wanted(method="awq", tool="autoawq"))


def test_without_autoawq_only_what_needs_it_is_refused(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autoawq, "find_spec", lambda name: None)

    made = base_maker(stock.base, Wanted(method="awq", tool="llm-compressor"))

    assert isinstance(made, LlmCompressor)
    with pytest.raises(CannotQuantize, match=r"comes with medley\[train\]; or use --tool"):
        base_maker(stock.base, Wanted(method="awq", tool="autoawq"))


def test_what_is_quantized_is_not_quantized_again(stock: Stock, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"quantization_config": {}}')

    with pytest.raises(CannotQuantize, match="quantize what it was made from"):
        base_maker(replace(stock.base, path=tmp_path), Wanted(method="nf4"))


def test_a_base_whose_files_are_gone_is_told_so(stock: Stock, tmp_path: Path) -> None:
    with pytest.raises(CannotQuantize, match="but it is gone"):
        base_maker(replace(stock.base, path=tmp_path / "gone"), Wanted(method="nf4"))


@pytest.mark.parametrize(("inputs", "size"), [(1024, 128), (576, 64), (96, 32)])
def test_groups_are_the_largest_that_divide_every_input(inputs: int, size: int) -> None:
    assert group_size_for({"a": (64, inputs), "b": (64, 1024)}) == size


def test_groups_that_do_not_divide_are_refused() -> None:
    with pytest.raises(CannotQuantize, match="use 64 or 32"):
        group_size_for({"a": (64, 576)}, wanted=128)


def test_a_side_that_no_kernel_takes_is_refused() -> None:
    with pytest.raises(CannotQuantize, match="multiples of 32; use --method nf4"):
        group_size_for({"a": (48, 64)})


def test_too_little_text_is_refused(stock: Stock, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "short"}\n')

    with pytest.raises(CannotQuantize, match="fewer by --samples and --tokens"):
        AwqSettings(file=texts).calibration_for(stock.base)


def test_a_line_that_is_no_text_is_named(stock: Stock, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"text": "short"}\n{"note": "what"}\n')

    with pytest.raises(CannotQuantize, match=r"texts.jsonl:2: neither"):
        AwqSettings(file=texts).calibration_for(stock.base)
