"""Tables on pages: columns as wide as they need, headings again on every page."""

from collections.abc import Sequence

from medley_training.documents.blocks import Spans, Table, plain
from medley_training.documents.page import Fill, Font, Rule
from medley_training.documents.sheet import Sheet

PADDING = 4.0
SHADE = "#e4e4e4"
HAIRLINE = 0.4
GREY = "#9a9a9a"


def set_table(sheet: Sheet, table: Table) -> None:
    """Print a table at the cursor; a row is never broken over two pages."""
    widths = column_widths(sheet, table)
    sheet.y += sheet.font.size * 0.5
    _set_row(sheet, table.headings, widths, is_heading=True)
    for row in table.rows:
        if sheet.need(_height(sheet, row, widths, sheet.font)):
            _set_row(sheet, table.headings, widths, is_heading=True)
        _set_row(sheet, row, widths, is_heading=False)


def column_widths(sheet: Sheet, table: Table) -> list[float]:
    """The shares of the table's widths, bent so that no word is wider than its column."""
    available = sheet.right - sheet.left
    columns = list(zip(table.headings, *table.rows, strict=True))
    least = [_longest(sheet, column, by_word=True) + 2 * PADDING for column in columns]
    wanted = [_longest(sheet, column, by_word=False) + 2 * PADDING for column in columns]
    if sum(wanted) <= available:
        spare = available - sum(wanted)
        shares = [share / sum(table.widths) for share in table.widths]
        return [width + spare * share for width, share in zip(wanted, shares, strict=True)]
    spare = max(available - sum(least), 0.0)
    gaps = [more - less for more, less in zip(wanted, least, strict=True)]
    total = sum(gaps) or 1.0
    return [less + spare * gap / total for less, gap in zip(least, gaps, strict=True)]


def _longest(sheet: Sheet, cells: Sequence[Spans], *, by_word: bool) -> float:
    texts = [plain(cell) for cell in cells]
    parts = [word for text in texts for word in text.split()] if by_word else texts
    return max((sheet.bold.width(part) for part in parts), default=0.0)


def _height(sheet: Sheet, row: Sequence[Spans], widths: Sequence[float], font: Font) -> float:
    lines = (
        len(sheet.lines(cell, width - 2 * PADDING + 0.01, font))
        for cell, width in zip(row, widths, strict=True)
    )
    return max(1, *lines) * font.leading + PADDING


def _set_row(
    sheet: Sheet, row: Sequence[Spans], widths: Sequence[float], *, is_heading: bool
) -> None:
    font = sheet.bold if is_heading else sheet.font
    top, height = sheet.y, _height(sheet, row, widths, font)
    x = sheet.left
    for cell, width in zip(row, widths, strict=True):
        lines = sheet.lines(cell, width - 2 * PADDING + 0.01, font)
        for number, line in enumerate(lines, 1):
            sheet.put_line(line, x + PADDING, top + number * font.leading - 0.5, font)
        x += width
    _set_rules(sheet, top, top + height, widths, is_heading=is_heading)
    sheet.y += height


def _set_rules(
    sheet: Sheet, top: float, bottom: float, widths: Sequence[float], *, is_heading: bool
) -> None:
    manner, page = sheet.style.page.table, sheet.page
    right = sheet.left + sum(widths)
    if is_heading and manner in ("lines", "boxes"):
        page.fills.append(Fill(sheet.left, top, right, bottom, SHADE))
    if manner == "boxes":
        edges = [sheet.left + sum(widths[:n]) for n in range(len(widths) + 1)]
        page.rules.extend(Rule(x, top, x, bottom, HAIRLINE, GREY) for x in edges)
        page.rules.append(Rule(sheet.left, top, right, top, HAIRLINE, GREY))
        page.rules.append(Rule(sheet.left, bottom, right, bottom, HAIRLINE, GREY))
    elif manner == "lines" or is_heading:
        page.rules.append(Rule(sheet.left, bottom, right, bottom, HAIRLINE, GREY))
