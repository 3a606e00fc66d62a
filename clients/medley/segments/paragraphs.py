"""Lines of one cell, taken together where a sentence goes on, and parted at its end."""

import re
from collections.abc import Iterator, Sequence

from medley.pages import Word
from medley.segments.lines import Line

_BULLET = re.compile(r"[-*•·▪‣○●□☐☑\u2013\u2014]|\(?\d{1,2}[.)]$")
_FULL = 0.86
_PITCH = 1.35
_END = re.compile(r"[^\W_]{4,}[.!?]$|[\d)%][.]$")
_MOST_WORDS = 90


def sentences_of(lines: Sequence[Line], right: float) -> Iterator[tuple[Word, ...]]:
    """The words of each sentence or item.

    Args:
        lines: Of one cell each, one below the other.
        right: Where a full line ends.
    """
    for paragraph in _paragraphs(lines, right):
        sentence: list[Word] = []
        for word in paragraph:
            if sentence and (_ends(sentence[-1], word) or len(sentence) >= _MOST_WORDS):
                yield tuple(sentence)
                sentence = []
            sentence.append(word)
        yield tuple(sentence)


def _paragraphs(lines: Sequence[Line], right: float) -> Iterator[list[Word]]:
    paragraph: list[Word] = []
    before: Line | None = None
    for line in lines:
        if before is not None and not _goes_on(before, line, right):
            yield paragraph
            paragraph = []
        paragraph.extend(line.words)
        before = line
    if paragraph:
        yield paragraph


def _goes_on(before: Line, line: Line, right: float) -> bool:
    """Whether `before` was broken because the sheet ended, and not because its item did."""
    if _BULLET.match(line.words[0].text) or line.y - before.y > _PITCH * 1.6 * before.height:
        return False
    first = line.words[0]
    room = right - before.x1
    return room < (first.box.x1 - first.box.x0) * 1.1 or before.x1 > _FULL * right


def _ends(word: Word, following: Word) -> bool:
    starts_anew = following.text[0].isupper() or following.text[0].isdigit()
    return starts_anew and _END.search(word.text) is not None
