"""Words to lines, and lines to cells.

A sheet that lies askew is set straight first: over the width of a page, one degree is a whole line.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from medley.pages import Box, Page, Word

_SPACE = 1.7
"""A gap wider than so many letters parts two cells; a space is one in typewriters' fonts, and half
of one in others."""
_LETTER = 0.44
"""A letter's width in shares of its line's height, where a page has too few to tell."""
_TELLING = 5
"""Letters of a word whose width tells; OCR cuts a part of a letter off."""
_OVERLAP = 0.45
_NEAR = 6.0
_REACH = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """Words that stand together on one line, from left to right."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """Around all of its words."""
        return Box.around(word.box for word in self.words)


@dataclass(frozen=True, slots=True)
class Line:
    """Cells that stand beside each other.

    Attributes:
        y: The height of its middle on the straightened page, in shares of the page.
        height: Of its letters, in the same shares.
    """

    cells: tuple[Cell, ...]
    y: float
    height: float

    @property
    def text(self) -> str:
        """The cells, parted by bars."""
        return " | ".join(cell.text for cell in self.cells)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words from left to right."""
        return tuple(word for cell in self.cells for word in cell.words)

    @property
    def x0(self) -> float:
        """Where it begins."""
        return self.cells[0].box.x0

    @property
    def x1(self) -> float:
        """Where it ends."""
        return self.cells[-1].box.x1


def lines_of(page: Page) -> tuple[Line, ...]:
    """The lines of a page from top to bottom."""
    slope = _slope(page.words)
    space = _SPACE * _letter(page)
    lines = (_line(words, slope, space) for words in _on_lines(page.words, slope))
    return tuple(sorted(lines, key=lambda line: line.y))


def _on_lines(words: Sequence[Word], slope: float) -> Iterator[list[Word]]:
    """The words of each line: each goes on with the line to its left that fits it best.

    Lines are looked for by the height at which they end, so that a page of very many words takes
    little longer for each.
    """
    step = median(_height(word) for word in words) if words else 1.0
    ends: dict[int, list[list[Word]]] = defaultdict(list)
    for word in sorted(words, key=lambda each: each.box.x0):
        at = round(_middle(word, slope) / step)
        near = (line for key in range(at - _REACH, at + _REACH + 1) for line in ends.get(key, ()))
        fit, line = max(
            ((_fit(line[-1], word, slope), line) for line in near),
            key=lambda each: each[0],
            default=(0.0, []),
        )
        if fit >= _OVERLAP:
            before = round(_middle(line[-1], slope) / step)
            ends[before] = [each for each in ends[before] if each is not line]
        else:
            line = []
        line.append(word)
        ends[at].append(line)
    yield from (line for lines in ends.values() for line in lines)


def _letter(page: Page) -> float:
    """A letter's width for a line's height, in shares of the page's width and of its height.

    Boxes are higher or lower by who read them, and fonts wider or narrower; this allows for both.
    """
    telling = [word for word in page.words if len(word.text) >= _TELLING]
    if not telling:
        ratio = page.width / page.height if page.width and page.height else 0.75
        return _LETTER / ratio
    return median((word.box.x1 - word.box.x0) / len(word.text) / _height(word) for word in telling)


def _line(words: Sequence[Word], slope: float, space: float) -> Line:
    height = median(_height(word) for word in words)
    y = sum(_middle(word, slope) for word in words) / len(words)
    return Line(tuple(_cells(words, space * height)), y, height)


def _cells(words: Sequence[Word], widest_space: float) -> Iterator[Cell]:
    cell = [words[0]]
    for before, word in pairwise(words):
        if word.box.x0 - before.box.x1 > widest_space:
            yield Cell(tuple(cell))
            cell = []
        cell.append(word)
    yield Cell(tuple(cell))


def _height(word: Word) -> float:
    return max(word.box.y1 - word.box.y0, 1e-6)


def _middle(word: Word, slope: float) -> float:
    box = word.box
    return (box.y0 + box.y1) / 2 - slope * (box.x0 + box.x1) / 2


def _fit(before: Word, word: Word, slope: float) -> float:
    """How well `word` goes on the line that ends with `before`: the share of height in common."""
    if word.box.x0 < before.box.x1 - 0.5 * _height(word):
        return 0.0
    apart = abs(_middle(before, slope) - _middle(word, slope))
    smaller = min(_height(before), _height(word))
    return ((_height(before) + _height(word)) / 2 - apart) / smaller


def _slope(words: Sequence[Word]) -> float:
    """By how much lines fall from left to right: the median between close neighbours."""
    slopes = []
    ordered = sorted(words, key=lambda each: (each.box.y0 + each.box.y1) / 2)
    for index, word in enumerate(ordered):
        for other in ordered[max(0, index - 12) : index + 13]:
            gap = other.box.x0 - word.box.x1
            if 0 <= gap < _NEAR * _height(word) and _fit(word, other, 0.0) > _OVERLAP:
                run = (other.box.x0 + other.box.x1 - word.box.x0 - word.box.x1) / 2
                rise = (other.box.y1 + other.box.y0 - word.box.y0 - word.box.y1) / 2
                slopes.append(rise / run)
    return median(slopes) if len(slopes) >= 8 else 0.0
