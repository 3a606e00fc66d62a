"""Words in the order in which they are read: line by line, and cell below cell."""

from collections.abc import Iterable, Sequence

from medley.pages import Box, Word

Line = list[Word]

_SAME_LINE = 0.5
"""How far centres may be apart, in heights of the smaller word."""
_OPEN = 2.5
"""A line this many heights above the word takes no more words, even where pages are tilted."""
_NEIGHBOURS = 6
"""How many of the last words of a line are looked at for the nearest one."""
_CELL_GAP = 1.0
"""Words further apart than this many heights are of different cells of a table."""
_BELOW_GAP = 1.2
"""A cell goes on in a line that is at most so many heights below."""
_ALIGNED = 1.5
"""And that begins at most so many heights further right or left."""


def lines_of(words: Iterable[Word]) -> list[Line]:
    """The words in lines from top to bottom, each from left to right."""
    open_lines: list[Line] = []
    lines: list[Line] = []
    for word in sorted(words, key=lambda word: (_middle(word.box), word.box.x0)):
        limit = _OPEN * _height(word.box)
        open_lines = [
            line for line in open_lines if _middle(word.box) - _middle(line[-1].box) <= limit
        ]
        line = min(
            (line for line in open_lines if _is_beside(line, word)),
            key=lambda line: abs(_middle(_nearest(line, word).box) - _middle(word.box)),
            default=None,
        )
        if line is None:
            line = []
            open_lines.append(line)
            lines.append(line)
        line.append(word)
    for line in lines:
        line.sort(key=lambda word: word.box.x0)
    return lines


def _is_beside(line: Line, word: Word) -> bool:
    nearest = _nearest(line, word).box
    apart = abs(_middle(nearest) - _middle(word.box))
    return apart <= _SAME_LINE * min(_height(nearest), _height(word.box))


def _nearest(line: Line, word: Word) -> Word:
    return min(line[-_NEIGHBOURS:], key=lambda other: abs(other.box.x0 - word.box.x0))


def columns_of(lines: Sequence[Line]) -> list[Line]:
    """The cells of the lines, each followed by those that it goes on in below.

    A value that wraps within a table's cell stands there in one piece.
    """
    above: list[Line] = []
    chains: list[Line] = []
    for line in lines:
        below: list[Line] = []
        for cell in _cells_of(line):
            chain = next((chain for chain in above if _goes_on(chain, cell)), None)
            if chain is None:
                chain = []
                chains.append(chain)
            else:
                above.remove(chain)
            chain.extend(cell)
            below.append(chain)
        # A chain that this line has no cell for may go on in the next: rows of unequal height.
        above = below + [chain for chain in above if _may_go_on(chain, line)]
    return chains


def _cells_of(line: Line) -> list[Line]:
    cells: list[Line] = []
    for word in line:
        if cells and word.box.x0 - cells[-1][-1].box.x1 <= _CELL_GAP * _height(word.box):
            cells[-1].append(word)
        else:
            cells.append([word])
    return cells


def _goes_on(chain: Line, cell: Line) -> bool:
    last, first = chain[-1].box, cell[0].box
    start = min(word.box.x0 for word in chain[-_NEIGHBOURS:])
    height = _height(first)
    return first.y0 - last.y1 <= _BELOW_GAP * height and abs(first.x0 - start) <= _ALIGNED * height


def _may_go_on(chain: Line, line: Line) -> bool:
    return line[0].box.y0 - chain[-1].box.y1 <= 0


def _middle(box: Box) -> float:
    return (box.y0 + box.y1) / 2


def _height(box: Box) -> float:
    return box.y1 - box.y0
