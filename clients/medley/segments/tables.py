"""Lines of several cells, taken together as tables: rows whose cells know their column's title.

A row does not say by itself what an empty cell left out, nor which time a value belongs to. So
each cell is named by the title above it, and a row can be understood without its table.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from medley.pages import Box, Word
from medley.segments.columns import aligned, overlap
from medley.segments.lines import Cell, Line

_TIME = re.compile(
    r"(\d{1,2}[./-]\d{1,2}[./-](\d{2,4})?)?\s*(\d{1,2}[:.h]\d{2}|([01]\d|2[0-3])[0-5]\d)?"
    r"\s*(Uhr|h|hrs|[ap]\.?m\.?)?",
    re.I,
)
_NUMBER = re.compile(r"[<>≤≥~]?\s*[-+]?\d")
_MOST_TITLE_WORDS = 7
_WRAPPED = 0.88
_MERGED = 1.9
_APART = 2.6
_LEADING = 1.55


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the titles of its cells, as words; a row of titles has none itself."""

    cells: tuple[tuple[Cell, Cell | None], ...]
    y: float

    @property
    def text(self) -> str:
        """The cells with their titles."""
        return " | ".join(
            f"{title.text.rstrip(':')}: {cell.text}" if title else cell.text
            for cell, title in self.cells
        )

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the cells, then those of the titles."""
        own = [word for cell, _ in self.cells for word in cell.words]
        titles = [word for _, title in self.cells if title for word in title.words]
        return (*own, *titles)


def tables_of(lines: Sequence[Line]) -> Iterator[tuple[Line, ...]]:
    """Lines that stand close enough to be one table; a foot of the page is none of it."""
    steps = sorted(below.y - above.y for above, below in pairwise(lines))
    widest = _APART * steps[len(steps) // 2] if steps else 0.0
    start = 0
    for index in range(1, len(lines)):
        if lines[index].y - lines[index - 1].y > widest:
            yield tuple(lines[start:index])
            start = index
    yield tuple(lines[start:])


def rows_of(lines: Sequence[Line]) -> tuple[Row, ...]:
    """The rows of a table; its row of titles, where it has one, comes first."""
    rows = _unwrapped(aligned(lines))
    if not _are_titles(rows):
        return tuple(Row(tuple((cell, None) for cell in row.cells), row.y) for row in rows)
    titles = rows[0]
    first = Row(tuple((cell, None) for cell in titles.cells), titles.y)
    return (first, *(Row(_named(row, titles.cells), row.y) for row in rows[1:]))


def _named(row: Line, titles: Sequence[Cell]) -> tuple[tuple[Cell, Cell | None], ...]:
    """Each cell with its title; cells under one title are one."""
    found: dict[int, list[Cell]] = {}
    for cell in row.cells:
        shared = [overlap(cell.box, title.box) for title in titles]
        if max(shared) <= 0:
            shared = [-_apart(cell.box, title.box) for title in titles]
        found.setdefault(shared.index(max(shared)), []).append(cell)
    return tuple((_joined(cells), titles[index]) for index, cells in sorted(found.items()))


def _joined(cells: Sequence[Cell]) -> Cell:
    return Cell(tuple(word for cell in cells for word in cell.words))


def _are_titles(rows: Sequence[Line]) -> bool:
    """Whether the first row names the columns of the others."""
    if len(rows) < 2 or len(rows[0].cells) < 2:
        return False
    first, second = rows[0], rows[1]
    if first.cells[0].text.rstrip(":") == second.cells[0].text.rstrip(":"):
        return False
    if any(cell.text.endswith(":") for cell in first.cells[:1]):
        return False
    return all(_is_title(cell) for cell in first.cells)


def _is_title(cell: Cell) -> bool:
    text = cell.text
    if _TIME.fullmatch(text):
        return True
    if ": " in text:
        return False
    return not _NUMBER.match(text) and len(cell.words) <= _MOST_TITLE_WORDS


def _unwrapped(lines: Sequence[Line]) -> list[Line]:
    """Lines with those taken in that only go on with cells of the line above."""
    pitches = sorted(below.y - above.y for above, below in pairwise(lines))
    usual = pitches[len(pitches) * 3 // 4] if pitches else 0.0  # a row's, not a wrapped line's
    rows: list[Line] = []
    last_y = 0.0
    for line in lines:
        pitch = line.y - last_y
        is_title = len(rows) == 1 and pitch < _WRAPPED * usual and _is_more_of(rows[0], line)
        if is_title or (rows and _goes_on(rows[-1], line, pitch, usual)):
            rows[-1] = _merged(rows[-1], line)
        else:
            rows.append(line)
        last_y = line.y
    return rows


def _is_more_of(titles: Line, line: Line) -> bool:
    """Whether a line has the second words of titles, which may be as many as the first ones."""
    is_under = all(any(overlap(cell.box, up.box) > 0 for up in titles.cells) for cell in line.cells)
    return len(titles.cells) > 1 and is_under and all(map(_is_title, (*titles.cells, *line.cells)))


def wraps(above: Line, line: Line) -> bool:
    """Whether a line of one cell may be what did not fit into a cell of the line above it."""
    is_under = any(overlap(line.cells[0].box, cell.box) > 0 for cell in above.cells)
    return is_under and line.y - above.y < _LEADING * above.height


def _goes_on(row: Line, line: Line, pitch: float, usual: float) -> bool:
    """Whether a line is the second line of some cells of the row above it."""
    if len(line.cells) >= len(row.cells) and len(row.cells) > 1:
        return False
    if not all(any(overlap(cell.box, above.box) > 0 for above in row.cells) for cell in line.cells):
        return False
    is_first_empty = overlap(line.cells[0].box, row.cells[0].box) <= 0
    is_tight = pitch < _WRAPPED * usual
    return is_tight or (is_first_empty and pitch < _MERGED * row.height)


def _merged(row: Line, line: Line) -> Line:
    cells = list(row.cells)
    for cell in line.cells:
        shared = [overlap(cell.box, above.box) for above in row.cells]
        index = shared.index(max(shared))
        cells[index] = Cell((*cells[index].words, *cell.words))
    return Line(tuple(cells), row.y, row.height)


def _apart(one: Box, other: Box) -> float:
    return abs((one.x0 + one.x1) - (other.x0 + other.x1)) / 2
