"""The part of a record that the blocks of a document really print."""

from collections.abc import Sequence
from typing import TypeVar

from medley.records import SECTIONS, Leaf, MedicalRecord, Medication, MedicationStatus, Row

from medley_training.documents.blocks import Block
from medley_training.documents.composing import spans_of

RowT = TypeVar("RowT", bound=Row)


def visible(record: MedicalRecord, blocks: Sequence[Block]) -> MedicalRecord:
    """`record` without the values that no span prints: the truth holds what can be read.

    A site's form has no place for some details (the frequency of an infusion, say).
    """
    printed = {path for block in blocks for span in spans_of(block) for path in span.paths}
    rows = {
        section: tuple(
            _visible(row, f"{section}[{index}]", printed)
            for index, row in enumerate(getattr(record, section))
        )
        for section in SECTIONS
    }
    return record.model_copy(update=rows)


def _visible(row: RowT, path: str, printed: set[str]) -> RowT:
    hidden: dict[str, object] = {
        field: None
        for field in type(row).model_fields
        if isinstance(getattr(row, field), Leaf) and f"{path}.{field}" not in printed
    }
    if isinstance(row, Medication):
        if f"{path}.prn" not in printed:
            hidden["prn"] = False
        if f"{path}.status" not in printed:
            hidden["status"] = MedicationStatus.ACTIVE
    return row.model_copy(update=hidden)
