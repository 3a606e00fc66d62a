"""How alike two answers to one request are; what they say goes no further than this module."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

OTHER = "other"
"""Stands for fields that the request's schema does not name, or not by a plain word."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_WORDS = re.compile(r"\w+|[^\w\s]")
_MOST_LEAVES = 5000
_MOST_NESTED = 32


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two answers, compared.

    Attributes:
        is_exact: they are the same, character by character or leaf by leaf.
        score: how much of them is the same, 0 to 1: of JSON the share of leaves, of text that of
            words (F1, whatever their order).
        fields: of JSON, each leaf's field and whether both have it alike.
    """

    is_exact: bool
    score: float
    fields: tuple[tuple[str, bool], ...] = ()


def compare(left: str, right: str, *, named: Collection[str] = ()) -> Agreement:
    """Two answers; `named` are the fields that may be told by name (`schema_fields`)."""
    lefts, rights = _leaves_of(left), _leaves_of(right)
    if lefts is None and rights is None:
        return Agreement(left == right, _shared_words(left, right))
    if lefts is None or rights is None:
        return Agreement(False, 0.0)
    fields = tuple(
        (_field(place, named), place in lefts and place in rights and lefts[place] == rights[place])
        for place in dict.fromkeys([*lefts, *rights])
    )
    same = sum(is_same for _, is_same in fields)
    return Agreement(same == len(fields), same / len(fields) if fields else 1.0, fields)


def schema_fields(request: Any) -> frozenset[str]:
    """The property names of the JSON schema that a request asks its answer to fit."""
    found: set[str] = set()
    if isinstance(request, dict):
        wanted = (request.get("response_format"), request.get("text"))
        guided = (request.get("structured_outputs"),)
        _gather({"all": [*wanted, *guided]}, found, depth=0)
    return frozenset(name for name in found if _PLAIN.fullmatch(name))


def _gather(value: Any, found: set[str], *, depth: int) -> None:
    if depth > _MOST_NESTED:
        return
    if isinstance(value, list):
        for inner in value:
            _gather(inner, found, depth=depth + 1)
    elif isinstance(value, dict):
        properties = value.get("properties")
        if isinstance(properties, dict):
            found.update(properties)
        for inner in value.values():
            _gather(inner, found, depth=depth + 1)


def _leaves_of(text: str) -> dict[tuple[str | int, ...], Any] | None:
    """The leaves of a JSON object or list by their places; None where a text is something else."""
    try:
        value = json.loads(text)
        if not isinstance(value, dict | list):
            return None
        leaves = {}
        for count, (place, leaf) in enumerate(_walk(value, ())):
            if count >= _MOST_LEAVES:
                break
            leaves[place] = leaf
    except (ValueError, RecursionError):
        return None
    return leaves


def _walk(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _walk(inner, (*place, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _walk(inner, (*place, number))
    else:
        yield place, value


def _field(place: tuple[str | int, ...], named: Collection[str]) -> str:
    names = [part for part in place if isinstance(part, str)]
    return ".".join(names) if names and all(name in named for name in names) else OTHER


def _shared_words(left: str, right: str) -> float:
    lefts, rights = Counter(_WORDS.findall(left)), Counter(_WORDS.findall(right))
    count = lefts.total() + rights.total()
    return 2 * (lefts & rights).total() / count if count else 1.0
