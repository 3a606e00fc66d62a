"""Columns that stand so close that a gap alone does not part them: the rows around do."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from medley.pages import Box, Word
from medley.segments.lines import Cell, Line

_AROUND = 10
"""Rows above and below that are asked: what a page of very many lines costs stays linear."""
_SPACE = 1.2
"""A gap wider than so many letters may part two columns."""
_FEWEST = 2


def aligned(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines of a table, with a cell parted where most other rows have two columns.

    One gap does not tell where a column is as narrow as what stands in it. But where the word to
    its left stands over one word of most other rows, and the word to its right over the next, with
    a gap between them there too, the two are in columns of their own.
    """
    letter = _letter(lines)
    return tuple(_parted(lines, index, letter) for index in range(len(lines)))


def _letter(lines: Sequence[Line]) -> float:
    """A letter's width in a table."""
    return median(
        (word.box.x1 - word.box.x0) / len(word.text) for line in lines for word in line.words
    )


def _parted(lines: Sequence[Line], index: int, letter: float) -> Line:
    line = lines[index]
    near = (*lines[max(0, index - _AROUND) : index], *lines[index + 1 : index + 1 + _AROUND])
    others = [other.words for other in near if len(other.cells) > 1]
    if len(others) < _FEWEST:
        return line
    cells = [part for cell in line.cells for part in _parts(cell, others, letter)]
    return Line(tuple(cells), line.y, line.height)


def _parts(cell: Cell, others: Sequence[Sequence[Word]], letter: float) -> Iterator[Cell]:
    part = [cell.words[0]]
    for before, word in pairwise(cell.words):
        votes = [
            vote
            for other in others
            if (vote := _vote(before.box, word.box, other, letter)) is not None
        ]
        if votes.count(True) >= _FEWEST and 2 * votes.count(True) > len(votes):
            yield Cell(tuple(part))
            part = []
        part.append(word)
    yield Cell(tuple(part))


def _vote(before: Box, word: Box, other: Sequence[Word], letter: float) -> bool | None:
    """Whether another row has a gap where these two part; None where it does not stand there."""
    under = [each.box for each in other if overlap(before, each.box) > 0]
    beside = [each.box for each in other if overlap(word, each.box) > 0]
    if not under or not beside:
        return None
    return beside[0].x0 - under[-1].x1 > _SPACE * letter


def overlap(one: Box, other: Box) -> float:
    """How much of the width they have in common; negative where they have none."""
    return min(one.x1, other.x1) - max(one.x0, other.x0)
