"""The GGUF export against stand-ins of llama.cpp's tools that check what they are told."""

import shutil
from pathlib import Path

import pytest
from medley_registry import VariantKind
from medley_training.errors import CannotQuantize
from medley_training.quantizing.exporting import export_gguf
from medley_training.quantizing.gguf import ADAPTER_FILE, BASE_FILE, Gguf

from tests.unit.training.quantizing.conftest import Stock

pytestmark = pytest.mark.slow

TOOLS = Path(__file__).parent / "llama_cpp"


def _export(stock: Stock, tools: Path) -> Path:
    folder = stock.home / "exports" / "shift-1-gguf"
    variant = export_gguf(
        stock.registry,
        stock.version,
        Gguf(stock.version, stock.registry.pull, tools),
        folder=folder,
        actor="test",
        progress=lambda done, total: None,
    )
    assert variant.kind is VariantKind.GGUF
    assert variant.base == stock.base.name
    assert variant.recipe["type"] == "Q4_K_M"
    return folder


def test_the_tools_are_told_base_type_and_adapter(stock: Stock) -> None:
    from gguf import GGUFReader

    folder = _export(stock, TOOLS)

    told = {
        file: bytes(GGUFReader(folder / file).fields["general.name"].contents(), "utf-8").decode()
        for file in (BASE_FILE, ADAPTER_FILE)
    }
    assert told[BASE_FILE] == f"Q4_K_M of bf16 of {stock.base.path.name}"
    assert told[ADAPTER_FILE] == f"f16 of adapter for {stock.base.path.name}"


def test_a_tool_that_fails_is_named_and_nothing_is_left(stock: Stock, tmp_path: Path) -> None:
    tools = Path(shutil.copytree(TOOLS, tmp_path / "tools"))
    (tools / "llama-quantize").write_text("#!/bin/sh\necho no such type >&2\nexit 3\n")

    with pytest.raises(CannotQuantize, match="llama-quantize failed: no such type"):
        _export(stock, tools)

    assert not (stock.home / "exports" / "shift-1-gguf").exists()


def test_without_the_tools_it_says_what_to_install(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotQuantize, match=r"convert_hf_to_gguf\.py is not on the PATH: build"):
        Gguf(stock.version, stock.registry.pull).plan(stock.base)
