"""Tables that fit: long cells are folded, never cut."""

from collections.abc import Callable, Sequence

from rich.cells import cell_len, chop_cells  # rich's own tables take 40 ms to import

_GAP = "  "
_FIELD_GAP = " "
_LEAST_WIDTH = 4

Row = Sequence[str]


def table_lines(
    head: Row, rows: Sequence[Row], *, width: int, emphasis: Callable[[str], str] = str
) -> list[str]:
    """Lay rows of cells out in columns, in lines of at most `width` terminal cells.

    Where they do not fit, the widest columns give way first, between words. Where not even the
    words fit, each row becomes a block of fields.
    """
    columns = [*zip(head, *rows, strict=True)]
    room = width - len(_GAP) * (len(columns) - 1)
    words = [max(map(_longest_word, column)) for column in columns]
    if sum(words) > room:
        return _blocks(head, rows, width=width)
    natural = [max(map(cell_len, column)) for column in columns]
    widths = _limited(natural, words, room=room)
    lines = [line for row in rows for line in _row_lines(row, widths, gap=_GAP)]
    return [*map(emphasis, _row_lines(head, widths, gap=_GAP)), *lines]


def field_lines(fields: Sequence[Row], *, width: int) -> list[str]:
    """Names and values, one below the other, in lines of at most `width` terminal cells."""
    longest = max(cell_len(value) for _, value in fields)
    name_width = max(cell_len(name) for name, _ in fields)
    room = max(width - name_width - len(_FIELD_GAP), _LEAST_WIDTH)
    widths = [name_width, min(longest, room)]
    return [line for field in fields for line in _row_lines(field, widths, gap=_FIELD_GAP)]


def _blocks(head: Row, rows: Sequence[Row], *, width: int) -> list[str]:
    lines = []
    for row in rows:
        fields = [(name, cell) for name, cell in zip(head, row, strict=True) if cell]
        lines += ["", *field_lines(fields, width=width)] if fields else [""]
    return lines[1:]


def _limited(wanted: Sequence[int], least: Sequence[int], *, room: int) -> list[int]:
    """Widths of columns, together no more than `room`, and none below what it needs at least."""
    limit = max(wanted)
    widths = [*wanted]
    while sum(widths) > room:
        limit -= 1
        pairs = zip(wanted, least, strict=True)
        widths = [min(width, max(limit, floor)) for width, floor in pairs]
    return widths


def _longest_word(cell: str) -> int:
    return max(map(cell_len, cell.split(" ")))


def _row_lines(row: Row, widths: Sequence[int], *, gap: str) -> list[str]:
    cells = [_folded(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for at in range(max(map(len, cells))):
        parts = (cell[at] if at < len(cell) else "" for cell in cells)
        padded = (f"{p}{' ' * (w - cell_len(p))}" for p, w in zip(parts, widths, strict=True))
        lines.append(gap.join(padded).rstrip(" "))
    return lines


def _folded(text: str, width: int) -> list[str]:
    """Break between words where that is enough, else inside them."""
    if cell_len(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, width) or [""]
        lines += full
    return [*lines, line]
