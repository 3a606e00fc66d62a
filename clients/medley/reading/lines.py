"""Lines that were recognized, as words with boxes."""

import unicodedata
from collections.abc import Iterator, Sequence

from medley.pages import Box, Word
from medley.reading.gaps import Gap
from medley.reading.recognition import Character, Line, Point

_WIDE_GAP = 0.6
"""In heights of the line: as much white parts two columns, also where no space was recognized."""
_WHITE = (0.2, 0.11)
"""Lines are cut out with so much white above and below, as shares of their height."""
_MICRO = {0x3BC: "\xb5"}  # the letter is read where units have the sign


def words_of(line: Line, width: int, height: int) -> Iterator[Word]:
    """The words of a line on an image of this size."""
    for first, last in _spans(line):
        part = line.characters[first:last]
        begin = _edge(line, first - 1, first).end
        end = _edge(line, last - 1, last).begin
        yield Word(
            _plain("".join(c.text for c in part)),
            _box(line, begin, end, width, height),
            round(sum(c.confidence for c in part) / len(part), 4),
        )


def line_box(line: Line, width: int, height: int) -> Box:
    """The smallest upright box around a line."""
    return _box(line, 0.0, 1.0, width, height)


def _plain(text: str) -> str:
    """Signs of East Asian width as those of a western typewriter."""
    return "".join(
        unicodedata.normalize("NFKC", c) if "\u2100" <= c <= "\u214f" or c >= "\u3300" else c
        for c in text.translate(_MICRO)
    )


def _spans(line: Line) -> Iterator[tuple[int, int]]:
    """From where to where the characters of each word are."""
    first: int | None = None
    for index, character in enumerate(line.characters):
        if character.text.isspace():
            if first is not None:
                yield first, index
            first = None
        elif first is None:
            first = index
        elif _edge(line, index - 1, index).ems > _WIDE_GAP:
            yield first, index
            first = index
    if first is not None:
        yield first, len(line.characters)


def _edge(line: Line, before: int, after: int) -> Gap:
    """The gap between two characters, or outside the first or last one; the middle if none."""
    left, right = _solid(line.characters, before, -1), _solid(line.characters, after, 1)
    low = 0.0 if left is None else left.middle
    high = 1.0 if right is None else right.middle
    between = [gap for gap in line.gaps if gap.end > low and gap.begin < high]
    if left is None:
        between = [gap for gap in between if gap.begin <= 0.0]
    if right is None:
        between = [gap for gap in between if gap.end >= 1.0]
    if between:
        return max(between, key=lambda gap: gap.end - gap.begin)
    middle = low if left is None else high if right is None else (low + high) / 2
    return Gap(middle, middle, 0.0)


def _solid(characters: Sequence[Character], index: int, step: int) -> Character | None:
    """The next character that is no white space."""
    while 0 <= index < len(characters):
        if not characters[index].text.isspace():
            return characters[index]
        index += step
    return None


def _box(line: Line, begin: float, end: float, width: int, height: int) -> Box:
    top_left, top_right, bottom_right, bottom_left = line.quad
    corners = [
        _between(
            _between(top_left, top_right, across), _between(bottom_left, bottom_right, across), down
        )
        for across in (begin, end)
        for down in (_WHITE[0], 1 - _WHITE[1])
    ]
    return Box(
        max(min(x for x, _ in corners) / width, 0.0),
        max(min(y for _, y in corners) / height, 0.0),
        min(max(x for x, _ in corners) / width, 1.0),
        min(max(y for _, y in corners) / height, 1.0),
    )


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
