"""The head of a first page, in five manners."""

from medley_training.documents.blocks import Letterhead
from medley_training.documents.page import Fill, Font, Rule
from medley_training.documents.sheet import Sheet

BANNER_HEIGHT = 44.0


def set_letterhead(sheet: Sheet, head: Letterhead) -> None:
    """Print the hospital, its address and the document's title at the top of the page."""
    _MANNERS[sheet.style.page.letterhead](sheet, head)
    sheet.y += sheet.font.leading * 0.3


def _fonts(sheet: Sheet) -> tuple[Font, Font, Font]:
    family = sheet.font.family
    return Font(family, 15.0, is_bold=True), Font(family, 8.0), Font(family, 12.5, is_bold=True)


def _banner(sheet: Sheet, head: Letterhead) -> None:
    large, small, title = _fonts(sheet)
    accent, page = sheet.style.page.accent, sheet.page
    page.fills.append(Fill(0.0, 0.0, page.width, BANNER_HEIGHT, accent))
    sheet.put(head.hospital, sheet.left, 22.0, font=large, colour="#ffffff")
    sheet.put(head.address, sheet.left, 36.0, font=small, colour="#ffffff")
    sheet.put(head.title, sheet.left, BANNER_HEIGHT + 26.0, font=title, colour=accent)
    sheet.y = BANNER_HEIGHT + 32.0


def _centered(sheet: Sheet, head: Letterhead) -> None:
    large, small, title = _fonts(sheet)
    middle = sheet.page.width / 2
    y = sheet.y
    for text, font, gap in ((head.hospital, large, 18.0), (head.address, small, 12.0)):
        y += gap
        sheet.put(text, middle - font.width(text) / 2, y, font=font)
    sheet.page.rules.append(Rule(middle - 120, y + 8, middle + 120, y + 8, 0.8))
    y += 34.0
    sheet.put(head.title, middle - title.width(head.title) / 2, y, font=title)
    sheet.y = y + 12.0


def _right(sheet: Sheet, head: Letterhead) -> None:
    large, small, title = _fonts(sheet)
    accent, y = sheet.style.page.accent, sheet.y + 14.0
    sheet.put(head.hospital, sheet.right - large.width(head.hospital), y, font=large, colour=accent)
    y += 13.0
    sheet.put(head.address, sheet.right - small.width(head.address), y, font=small)
    y += 28.0
    sheet.put(head.title, sheet.left, y, font=title)
    sheet.y = y + 6.0


def _split(sheet: Sheet, head: Letterhead) -> None:
    large, small, title = _fonts(sheet)
    y = sheet.y + 12.0
    sheet.put(head.hospital, sheet.left, y, font=large)
    sheet.put(head.address, sheet.right - small.width(head.address), y, font=small)
    for gap, width in ((6.0, 1.4), (8.5, 0.4)):
        sheet.page.rules.append(Rule(sheet.left, y + gap, sheet.right, y + gap, width))
    y += 28.0
    sheet.put(head.title, sheet.left, y, font=title)
    sheet.y = y + 6.0


def _plain(sheet: Sheet, head: Letterhead) -> None:
    bar = "=" * int((sheet.right - sheet.left) / sheet.font.width("="))
    for text in (bar, f"{head.hospital}   {head.address}", head.title, bar):
        sheet.y += sheet.font.leading
        sheet.put(text, sheet.left, sheet.y)


_MANNERS = {
    "banner": _banner,
    "centered": _centered,
    "right": _right,
    "split": _split,
    "plain": _plain,
}
