"""Adapters of the part of a base that sees, on engines with and without slots for it."""

from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import Version
from medley_server.checks import check_weights
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable

from tests.builders import make_adapter

SEES = "base_model.model.model.visual.blocks.0.mlp.gate_proj"
SPEAKS = "base_model.model.model.language_model.layers.0.mlp.gate_proj"
FACTS = FakeEngine().facts
BLIND = replace(FACTS, is_lora_blind=True)


def adapter(folder: Path, *modules: str) -> Path:
    pair = {"lora_A": (2, 8), "lora_B": (8, 2)}
    tensors = {
        f"{module}.{half}.weight": ("F32", shape)
        for module in modules
        for half, shape in pair.items()
    }
    return make_adapter(folder, tensors=tensors)


def test_one_that_changes_what_sees_is_refused_where_that_has_no_slots(
    versions: list[Version], tmp_path: Path
) -> None:
    folder = adapter(tmp_path / "both", SEES, SPEAKS)

    with pytest.raises(AdapterUnavailable, match=r"visual\.blocks.*enable-tower-connector-lora"):
        check_weights(versions[0], folder, BLIND)
    check_weights(versions[0], folder, FACTS)


def test_one_that_changes_what_speaks_is_taken_everywhere(
    versions: list[Version], tmp_path: Path
) -> None:
    check_weights(versions[0], adapter(tmp_path / "speaks", SPEAKS), BLIND)


def test_one_with_a_number_that_is_none_is_refused(versions: list[Version], tmp_path: Path) -> None:
    name = f"{SPEAKS}.lora_A.weight"
    nan = {name: b"\x00\x00\xc0\x7f" * 4}
    folder = make_adapter(tmp_path / "nan", tensors={name: ("F32", (2, 2))}, contents=nan)

    with pytest.raises(AdapterUnavailable, match="holds NaN or infinity"):
        check_weights(versions[0], folder, FACTS)
