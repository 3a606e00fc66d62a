"""What a text model is asked about a segment, and how its answer is read.

The answer is compact JSON: ``{"labs":[{"name":"Potassium","value":"5.9","unit":"mmol/L"}]}``, and
``{}`` where the segment says nothing of the kind. It copies what stands there, character by
character, because a value that is copied can be found again; its normal form is worked out
afterwards. Only what is concluded from words around a value (a status, an assertion, "as needed")
is a word of a closed list. What is not said is left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, get_args

from medley.records import SECTIONS, Leaf, MedicalRecord, Row
from medley.segments.segment import Segment

INSTRUCTION = "Copy the medications, labs, vitals, diagnoses and procedures said here as JSON."
"""The system's message, the same for every segment."""

LONGEST_VALUE = 120
"""Characters of one value; what is longer is a loop."""

MOST_ROWS = 24
"""Rows of one list in one answer."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A row of an answer: ``section`` is one of `SECTIONS`, a field's value is as it is copied."""

    section: str
    fields: Mapping[str, str | bool]


def prompt_of(segment: Segment) -> str:
    """The user's message for a segment."""
    return f"[{segment.heading}] {segment.text}"


def messages_of(segment: Segment) -> list[dict[str, str]]:
    """The chat to be answered for a segment."""
    return [
        {"role": "system", "content": INSTRUCTION},
        {"role": "user", "content": prompt_of(segment)},
    ]


def max_answer_tokens(segment: Segment) -> int:
    """A bound on the answer's tokens; the titles of columns are copied once per value."""
    return 96 + 12 * len(segment.words) + len(segment.text)


def rows_in(answer: str) -> tuple[SegmentRow, ...]:
    """The rows of an answer, in the order of the lists.

    Raises:
        ValueError: It is no answer, or one that was cut off.
    """
    try:
        said = json.loads(answer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(said, dict):
        raise ValueError("not a JSON object")
    return tuple(_rows(said))


def _rows(said: Mapping[str, Any]) -> Iterator[SegmentRow]:
    for section, kind in ROW_KINDS.items():
        rows = said.get(section, [])
        if not isinstance(rows, list):
            raise ValueError(f"{section} is no list")
        for row in rows:
            if not isinstance(row, dict) or not row.get("name"):
                raise ValueError(f"a row of {section} has no name")
            yield SegmentRow(
                section, {name: row[name] for name in kind.model_fields if _says(row.get(name))}
            )


def _says(value: object) -> bool:
    return value is True or (isinstance(value, str) and bool(value.strip()))


def _row_kinds() -> Iterator[tuple[str, type[Row]]]:
    for section in SECTIONS:
        (kind, _) = get_args(MedicalRecord.model_fields[section].annotation)
        yield section, kind


ROW_KINDS: Mapping[str, type[Row]] = dict(_row_kinds())
"""The kind of row of each list."""


def _row_schema(kind: type[Row]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: _field_schema(field.annotation) for name, field in kind.model_fields.items()
        },
        "required": ["name"],
        "additionalProperties": False,
    }


def _field_schema(annotation: Any) -> dict[str, Any]:
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    (kind,) = (each for each in kinds if each is not type(None))
    if kind is Leaf:
        return {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}
    if kind is bool:
        return {"const": True}
    assert issubclass(kind, StrEnum), kind
    return {"enum": [member.value for member in kind]}


ANSWER_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        section: {
            "type": "array",
            "items": _row_schema(kind),
            "minItems": 1,
            "maxItems": MOST_ROWS,
        }
        for section, kind in ROW_KINDS.items()
    },
    "additionalProperties": False,
}
"""What the engine holds an answer to."""
