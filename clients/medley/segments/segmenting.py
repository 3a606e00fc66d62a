"""A page into segments."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median

from medley.pages import Page, Word
from medley.segments.lines import Line, lines_of
from medley.segments.paragraphs import sentences_of
from medley.segments.segment import Segment
from medley.segments.tables import rows_of, tables_of, wraps

_MOST_HEADING_WORDS = 7
_GAP = 1.25
_TALLER = 1.07
_RIGHT = 0.65  # no margin is further left, however short the lines are
_AROUND = " :-\u2013\u2014_="


def page_text(page: Page) -> str:
    """The lines of a page as plain text; cells are parted by bars."""
    return "\n".join(line.text for line in lines_of(page))


def segments_of(pages: Sequence[Page]) -> tuple[Segment, ...]:
    """The segments of some pages, in reading order.

    Nothing is left out: headings and titles of columns are segments too, since what looks like
    one may be a value.
    """
    return tuple(_segments(pages))


def _segments(pages: Sequence[Page]) -> Iterator[Segment]:
    heading = ""
    for page in pages:
        for kind, text, words in _parts_of(page):
            yield Segment(page=page.number, heading=heading, text=text, words=words)
            if kind == "heading":
                heading = text.strip(_AROUND)


def _parts_of(page: Page) -> Iterator[tuple[str, str, tuple[Word, ...]]]:
    """The kind, the text and the words of each part of a page."""
    lines = lines_of(page)
    right = max((line.x1 for line in lines), default=_RIGHT)
    for kind, group in groupby(zip(_kinds(lines), lines, strict=True), key=lambda each: each[0]):
        for text, words in _parts(kind, [line for _, line in group], max(right, _RIGHT)):
            yield kind, text, words


def _parts(
    kind: str, block: Sequence[Line], right: float
) -> Iterator[tuple[str, tuple[Word, ...]]]:
    if kind == "heading":
        yield from ((line.text, line.words) for line in block)
    elif kind == "table":
        rows = (row for table in tables_of(block) for row in rows_of(table))
        yield from ((row.text, row.words) for row in rows)
    else:
        for words in sentences_of(block, right):
            yield " ".join(word.text for word in words), words


def _kinds(lines: Sequence[Line]) -> Iterator[str]:
    headings = _headings(lines)
    before = "text"
    for index, line in enumerate(lines):
        if index in headings:
            before = "heading"
        elif len(line.cells) > 1 or (before == "table" and wraps(lines[index - 1], line)):
            before = "table"
        else:
            before = "text"
        yield before


def _headings(lines: Sequence[Line]) -> frozenset[int]:
    """Which lines stand above others: short words, set apart or set larger."""
    if len(lines) < 3:
        return frozenset()
    pitch = _pitch(lines)
    height = median(line.height for line in lines)
    found: set[int] = set()
    for index, line in enumerate(lines[:-1]):
        above = line.y - lines[index - 1].y if index else 2 * pitch
        is_apart = above > _GAP * pitch and index - 1 not in found
        is_taller = line.height > _TALLER * height
        if _reads_like_one(line) and (line.text.endswith(":") or is_apart + is_taller == 2):
            found.add(index)
    return frozenset(found)


def _pitch(lines: Sequence[Line]) -> float:
    """From one line of running text to the next: the rows of tables stand further apart."""
    steps = sorted(below.y - above.y for above, below in pairwise(lines))
    return steps[len(steps) // 4]


def _reads_like_one(line: Line) -> bool:
    text = line.text
    return (
        len(line.cells) == 1
        and len(line.words) <= _MOST_HEADING_WORDS
        and not any(character.isdigit() for character in text)
        and not text.endswith((".", ",", ";"))
    )
