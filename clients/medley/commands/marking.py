"""Where on its page's text each value stands.

A value tells its printed text and its box, a page's text has no boxes. Where the printed text
stands there once, that is the place. Those places tie heights on the page to offsets in the text,
and for the rest the occurrence is taken that is nearest to where its height would be.
"""

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medley.commands.values import Value

PAGE_BREAK = "\f"

_ACROSS = 0.01
"""How much its width counts beside its height: values of one line stand from left to right."""
_BEFORE, _AFTER = r"(?<!\w)(?<!\d[.,])", r"(?!\w)(?![.,]\d)"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """A value's place: from `start` to `end` in its page's text."""

    start: int
    end: int
    value: Value


def marks_of(text: str, values: Iterable[Value]) -> tuple[tuple[str, tuple[Mark, ...]], ...]:
    """Each page's text with its marks in order; none overlap.

    Args:
        text: all pages, with form feeds between them.
        values: of any page; what has no text or is not found in its page's is left out.
    """
    found = [value for value in values if value.found.text and value.found.page]
    return tuple(
        (page, _marks([value for value in found if value.found.page == number], page))
        for number, page in enumerate(text.split(PAGE_BREAK), start=1)
    )


def _marks(values: Sequence[Value], page: str) -> tuple[Mark, ...]:
    spans = {value.path: _spans(value.found.text or "", page) for value in values}
    ties = sorted(
        (_height(value), spans[value.path][0][0])
        for value in values
        if len(spans[value.path]) == 1 and value.found.bbox
    )
    marks: list[Mark] = []
    # The certain ones first, so that nothing takes their places.
    for value in sorted(values, key=lambda one: (len(spans[one.path]) > 1, _height(one))):
        free = [span for span in spans[value.path] if not _is_taken(span, marks)]
        if free:
            marks.append(Mark(*_nearest(_height(value), free, ties, len(page)), value))
    return tuple(sorted(marks, key=lambda mark: mark.start))


def _spans(printed: str, page: str) -> list[Span]:
    """All places of a printed text: as a word of its own, else in any case, else anywhere.

    Between its words the page may have any white space, or the bar between two cells.
    """
    pattern = r"[\s|]+".join(map(re.escape, printed.split()))
    if not pattern:
        return []
    alone = _BEFORE + pattern + _AFTER
    for wanted, flags in ((alone, 0), (alone, re.IGNORECASE), (pattern, re.IGNORECASE)):
        if spans := [match.span() for match in re.finditer(wanted, page, flags)]:
            return spans
    return []


def _height(value: Value) -> float:
    box = value.found.bbox
    return (box[1] + box[3]) / 2 + box[0] * _ACROSS if box else 1.0


def _is_taken(span: Span, marks: Iterable[Mark]) -> bool:
    return any(span[0] < mark.end and mark.start < span[1] for mark in marks)


def _nearest(
    height: float, spans: Sequence[Span], ties: Sequence[tuple[float, int]], length: int
) -> Span:
    """The span at a height: between the ties above and below it, if one is there."""
    known = [(0.0, 0), *ties, (1.0 + _ACROSS, length)]
    after = min(max(bisect(known, (height, length)), 1), len(known) - 1)
    (top, start), (bottom, end) = known[after - 1], known[after]
    share = (height - top) / (bottom - top) if bottom > top else 0.5
    expected = start + share * (end - start)
    between = [span for span in spans if start <= span[0] <= end]
    return min(between or spans, key=lambda span: abs(span[0] - expected))
