"""A model's JSON with where in the text each value stands, and how likely its tokens were."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from medley_server.extraction.question import Completion, Token

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_MOST_DEPTH = 64
_RESYNC = 16

Pointer = str
"""A JSON pointer (RFC 6901), such as ``/0/labs/name``."""


@dataclass(frozen=True, slots=True)
class WrittenJson:
    """What an answer says.

    Attributes:
        value: As Python has it.
        spans: First and last character of each plain value in the text, by its pointer. A text's
            span goes from after its first quote to its last quote, which is in it: where a value
            ends is part of it.
        probabilities: Of each plain value: the product of the probabilities of the tokens that
            wrote it. That is the probability the model gave to just these characters, given all
            that stands before them. Empty where the tokens were not asked for.
    """

    value: Any
    spans: Mapping[Pointer, tuple[int, int]]
    probabilities: Mapping[Pointer, float] = field(default_factory=dict)


def read_json(completion: Completion) -> WrittenJson:
    """Reads an answer.

    Raises:
        ValueError: It is no JSON, or was cut.
    """
    reader = _Reader(completion.text)
    value = reader.whole()
    places = _places(completion.text, completion.tokens)
    probabilities = {
        pointer: _probability(span, places) for pointer, span in reader.spans.items() if places
    }
    return WrittenJson(value, reader.spans, probabilities)


def _places(text: str, tokens: Sequence[Token]) -> list[tuple[int, int, float]]:
    """Where each token stands in the text.

    A token that is not in the text as it is (a part of a letter, a mark of the end) gets what
    stands between its neighbours.
    """
    places: list[tuple[int, int, float]] = []
    at = 0
    waiting: list[float] = []
    for token in tokens:
        found = text.find(token.text, at, at + len(token.text) + _RESYNC * len(waiting))
        if found < 0 or not token.text:
            waiting.append(token.logprob)
            continue
        places += [(at, found, logprob) for logprob in waiting]
        waiting.clear()
        places.append((found, found + len(token.text), token.logprob))
        at = found + len(token.text)
    return places + [(at, len(text), logprob) for logprob in waiting]


def _probability(span: tuple[int, int], places: Sequence[tuple[int, int, float]]) -> float:
    start, end = span
    logprobs = (logprob for first, last, logprob in places if first < end and last > start)
    return min(1.0, math.exp(sum(logprobs)))


class _Reader:
    """Reads JSON as `json.loads` does, and remembers where."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.spans: dict[Pointer, tuple[int, int]] = {}

    def whole(self) -> Any:
        self._skip()
        value = self._value("", 0)
        self._skip()
        if self._at != len(self._text):
            raise ValueError(f"more text after the JSON, at {self._at}")
        return value

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _next(self, *expected: str) -> str:
        self._skip()
        found = self._text[self._at : self._at + 1]
        if found not in expected or not found:
            raise ValueError(f"expected {' or '.join(expected)} at {self._at}")
        self._at += 1
        return found

    def _value(self, pointer: Pointer, depth: int) -> Any:
        if depth > _MOST_DEPTH:
            raise ValueError("nested too deeply")
        self._skip()
        first = self._text[self._at : self._at + 1]
        if first == "{":
            return dict(self._members(pointer, depth + 1))
        if first == "[":
            return list(self._items(pointer, depth + 1))
        start = self._at + (first == '"')
        value = self._string() if first == '"' else self._plain()
        self.spans[pointer] = (start, self._at)
        return value

    def _string(self) -> str:
        self._next('"')
        value, self._at = scanstring(self._text, self._at, False)
        # Half a pair of an escaped letter outside the basic plane cannot be sent to anybody.
        return str(value.encode("utf-8", "replace").decode())

    def _plain(self) -> Any:
        match = _PLAIN.match(self._text, self._at)
        if match is None:
            raise ValueError(f"no value at {self._at}")
        self._at = match.end()
        return json.loads(match[0])

    def _members(self, pointer: Pointer, depth: int) -> Iterator[tuple[str, Any]]:
        self._next("{")
        self._skip()
        if self._text.startswith("}", self._at):
            self._at += 1
            return
        while True:
            self._skip()
            name = self._string()
            self._next(":")
            yield name, self._value(f"{pointer}/{escaped(name)}", depth)
            if self._next(",", "}") == "}":
                return

    def _items(self, pointer: Pointer, depth: int) -> Iterator[Any]:
        self._next("[")
        self._skip()
        if self._text.startswith("]", self._at):
            self._at += 1
            return
        for index in range(len(self._text)):
            yield self._value(f"{pointer}/{index}", depth)
            if self._next(",", "]") == "]":
                return


def escaped(name: str) -> str:
    """A name as a step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")
