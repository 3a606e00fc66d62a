"""An extraction with the values that a person has put right."""

import json
import re
from collections.abc import Mapping
from typing import Any

from medley.results import Extraction

_STEP = re.compile(r"(\w+)\[(\d+)\]\.(\w+)")
_DERIVED = {"name": ("code",), "value": ("value_decimal", "comparator"), "unit": ("unit_ucum",)}
"""What was worked out from a value, and is not true of another."""


class EditRefused(Exception):
    """A value that cannot stand where it was put; the text is for the person who put it there."""


def as_json(extraction: Extraction, edits: Mapping[str, str]) -> str:
    """The answer as the server gave it, with edits; `edits` says at the end what was changed.

    An edited value keeps its place and its printed text, and loses what was said of another value:
    confidence, review, normal forms beside it. The Bundle goes, because it is of what was read.

    Args:
        extraction: What the server answered.
        edits: New values by path: `labs[0].value`, or a JSON pointer in the caller's data.

    Raises:
        EditRefused: There is no such value, or it has to be a number.
    """
    whole = extraction.model_dump(mode="json")
    told = []
    for path, value in edits.items():
        was = _in_data(whole, path, value) if path in whole["places"] else None
        told.append({"path": path, "was": was or _in_record(whole, path, value), "now": value})
    if told:
        whole["fhir"] = None
        whole["edits"] = told
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _in_record(whole: dict[str, Any], path: str, value: str) -> str:
    step = _STEP.fullmatch(path)
    try:
        assert step is not None
        row = whole["record"][step[1]][int(step[2])]
        found = row[step[3]]
        was: str = found["value"]
    except (AssertionError, LookupError, TypeError) as error:
        raise EditRefused(f"There is no value {path} in this answer.") from error
    _edit(found, value)
    row.update(dict.fromkeys(set(_DERIVED.get(step[3], ())) & row.keys()))
    return was


def _in_data(whole: dict[str, Any], pointer: str, value: str) -> str:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    holder = whole["data"]
    for step in steps[:-1]:
        holder = holder[int(step) if isinstance(holder, list) else step]
    last: Any = int(steps[-1]) if isinstance(holder, list) else steps[-1]
    holder[last] = _like(holder[last], value, pointer)
    found = whole["places"][pointer]
    was: str = found["value"]
    _edit(found, value)
    return was


def _edit(found: dict[str, Any], value: str) -> None:
    found |= {"value": value, "confidence": None, "confidence_method": None, "review": False}
    found["edited"] = True


def _like(was: Any, value: str, pointer: str) -> Any:
    """The value in the type that the caller's schema gave it."""
    if was is None or isinstance(was, str):
        return value
    try:
        now = json.loads(value)
    except ValueError:
        now = None
    is_number = isinstance(now, int | float) and not isinstance(now, bool)
    fits = isinstance(now, bool) if isinstance(was, bool) else is_number
    if not fits or (isinstance(was, int) and not isinstance(now, int)):
        kind = {bool: "true or false", int: "a whole number"}.get(type(was), "a number")
        raise EditRefused(f"{pointer} must be {kind}, and {value!r} is not.")
    return now
