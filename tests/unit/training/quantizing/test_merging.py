"""Frozen exports answer as the adapter on its base does."""

from pathlib import Path

import pytest
from medley_registry import VariantKind
from medley_training.errors import CannotQuantize
from medley_training.local.base import load_base
from medley_training.quantizing.autoawq import AutoAwq
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.exporting import export_merged
from medley_training.quantizing.merging import Merging, MergingThen

from tests.unit.training.quantizing.conftest import Stock


def _logits(folder: Path, adapter: Path | None = None):  # type: ignore[no-untyped-def]
    import torch

    model = load_base(folder, dtype="float32", device="cpu")
    if adapter is not None:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model(torch.arange(1, 40)[None]).logits


def test_a_merged_model_answers_as_the_adapter_does(stock: Stock, tiny_adapter: Path) -> None:
    folder = stock.home / "merged"

    variant = export_merged(
        stock.registry,
        stock.version,
        Merging(stock.version, stock.registry.pull),
        kind=VariantKind.MERGED,
        name="shift-1-merged",
        folder=folder,
        actor="test",
        progress=lambda done, total: None,
    )

    plain, adapted = _logits(stock.base.path), _logits(stock.base.path, tiny_adapter)
    merged = _logits(folder)
    assert (merged - adapted).norm() < 0.05 * (adapted - plain).norm()
    assert variant.base == "shift-1-merged"
    assert variant.recipe["version"] == str(stock.version.digest)
    base = stock.registry.base("shift-1-merged")
    assert base.derived_from == stock.base.base_id
    assert dict(base.module_shapes) == dict(stock.base.module_shapes)


def test_a_merged_model_can_be_made_smaller(stock: Stock) -> None:
    merging = Merging(stock.version, stock.registry.pull)
    awq = AutoAwq(AwqSettings(samples=2, tokens=32))

    variant = export_merged(
        stock.registry,
        stock.version,
        MergingThen(merging, awq),
        kind=VariantKind.MERGED_AWQ,
        name="shift-1-merged-awq",
        folder=stock.home / "merged-awq",
        actor="test",
        progress=lambda done, total: None,
    )

    assert variant.kind is VariantKind.MERGED_AWQ
    assert str(variant.recipe["tool"]).startswith("peft")
    assert "autoawq" in str(variant.recipe["tool"])
    assert not [*(stock.home / "merged-awq").glob(".*/")]


def test_an_adapter_of_a_quantized_base_is_not_merged(stock: Stock) -> None:
    from dataclasses import replace

    quantized = replace(stock.base, recipe={"method": "nf4"})

    with pytest.raises(CannotQuantize, match="rounds the adapter away"):
        Merging(stock.version, stock.registry.pull).plan(quantized)
