"""The support matrix claims only what was tried."""

from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry.canonical import Json
from medley_training.errors import CannotQuantize
from medley_training.quantizing.matrix import WAYS, probe, whole_matrix
from medley_training.quantizing.support_record import Cell, SupportRecord
from medley_training.quantizing.tiny_architectures import ARCHITECTURES

HERE: dict[str, Json] = {"device": "cpu", "torch": "2.13.0"}
TRIED = Cell(architecture="llama", method="nf4", tool="", made="works")


def test_what_was_not_probed_is_said_not_to_be() -> None:
    cells = whole_matrix([TRIED])

    assert len(cells) == len(ARCHITECTURES) * len(WAYS)
    assert [cell for cell in cells if cell.made != "not probed"] == [TRIED]


def test_findings_are_kept_by_environment_and_replaced_by_newer_ones(tmp_path: Path) -> None:
    record = SupportRecord(tmp_path / "home" / "support.json")
    newer = replace(TRIED, made="failed", detail="why")

    record.add(HERE, [TRIED])
    record.add({**HERE, "torch": "3"}, [TRIED])
    record.add(HERE, [newer])

    assert record.cells(HERE) == [newer]
    assert record.cells({**HERE, "torch": "3"}) == [TRIED]
    assert record.cells({**HERE, "torch": "4"}) == []


def test_a_damaged_record_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "support.json").write_text("{")

    with pytest.raises(CannotQuantize, match="is damaged"):
        SupportRecord(tmp_path / "support.json").cells(HERE)


def test_an_architecture_that_nobody_knows_is_refused() -> None:
    with pytest.raises(CannotQuantize, match="no architecture 'gpt9' is probed; there are llama"):
        next(probe(["gpt9"], with_serving=False))


@pytest.mark.slow
def test_a_probe_quantizes_for_real_and_claims_no_serving() -> None:
    found = probe(["llama"], with_serving=False)
    cells = [next(found), next(found)]

    assert [(cell.method, cell.made) for cell in cells] == [("bf16", "works"), ("nf4", "works")]
    assert {cell.served for cell in cells} == {"not probed"}
