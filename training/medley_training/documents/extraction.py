"""Extraction as text: `INSTRUCTION` and a document in, compact JSON out.

The answer holds what stands on the page, character by character, because a value that is copied
can be found again there; its normal form is worked out afterwards. Only what is concluded from
words around a value (a status, an assertion, "as needed") is a word of a closed list. What the
document does not say is left out.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from medley.records import SECTIONS, Leaf, MedicalRecord, Row

INSTRUCTION = (
    "Extract the medications, labs, vitals, diagnoses and procedures from this hospital document"
    " as JSON. Copy values exactly; leave out what is not there.\n\n"
)

Answer = dict[str, list[dict[str, str | bool]]]


def answer_of(record: MedicalRecord) -> Answer:
    """The right answer for a record: lists that have rows, fields that are not the default."""
    return {
        section: [_row_answer(row) for row in getattr(record, section)]
        for section in SECTIONS
        if getattr(record, section)
    }


def _row_answer(row: Row) -> dict[str, str | bool]:
    answer: dict[str, str | bool] = {}
    for name, field in type(row).model_fields.items():
        value = getattr(row, name)
        if isinstance(value, Leaf):
            answer[name] = value.text
        elif value != field.default and value is not None:
            answer[name] = value if isinstance(value, bool) else str(value)
    return answer


def completion(record: MedicalRecord) -> str:
    """The right answer as compact JSON."""
    return compact_json(answer_of(record))


def compact_json(answer: Answer) -> str:
    """An answer in as few characters as JSON needs."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def parse_answer(text: str) -> dict[str, Any] | None:
    """The JSON object in a model's answer, which may stand among other words; None without one."""
    start = text.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        return cast(dict[str, Any], found)
    return None


def rows_of(answer: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every row of an answer with its list, values as comparable text.

    A model can answer anything: what has not the shape of a row is passed over, except that a
    row without a name still has its other fields.
    """
    for section in SECTIONS:
        rows = answer.get(section)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                yield (
                    section,
                    {str(key): _comparable(row[key]) for key in row if _is_said(row[key])},
                )


def _is_said(value: object) -> bool:
    return value is not None and value is not False and value != ""


def _comparable(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return " ".join(value.split()).casefold()
