"""Lays a document's blocks out on pages, the way its site prints them."""

from collections.abc import Sequence

from medley_training.documents.blocks import (
    Block,
    Heading,
    Letterhead,
    Pairs,
    Paragraph,
    Table,
)
from medley_training.documents.letterhead import set_letterhead
from medley_training.documents.page import Fill, Font, PageLayout, Rule, Run
from medley_training.documents.sheet import FOOT, Sheet
from medley_training.documents.styles import SiteStyle
from medley_training.documents.tables import set_table

FOOT_COLOUR = "#555555"
PATIENT_FILL = "#eef1f5"


def laid_out(blocks: Sequence[Block], style: SiteStyle) -> list[PageLayout]:
    """The pages of a document."""
    sheet = Sheet(style)
    for block in blocks:
        match block:
            case Letterhead():
                set_letterhead(sheet, block)
                sheet.name_pages(f"{block.hospital} - {block.title}")
            case Heading():
                _set_heading(sheet, block)
            case Paragraph():
                _set_paragraph(sheet, block)
            case Pairs():
                _set_pairs(sheet, block)
            case Table():
                set_table(sheet, block)
    _set_footers(sheet)
    return sheet.pages


def _set_heading(sheet: Sheet, heading: Heading) -> None:
    page = sheet.style.page
    font = Font(page.font, page.size + 1.5, is_bold=True)
    sheet.need(font.leading * 4)  # never alone at the foot of a page
    sheet.y += font.leading * 1.4
    sheet.put(heading.text, sheet.left, sheet.y, font=font, colour=page.accent)
    if page.letterhead in ("banner", "split"):
        y = sheet.y + 3.0
        sheet.page.rules.append(Rule(sheet.left, y, sheet.right, y, 0.6, page.accent))
    elif page.letterhead == "plain":
        sheet.y += sheet.font.leading * 0.75
        sheet.put("-" * len(heading.text), sheet.left, sheet.y, font=font)
    sheet.y += sheet.font.size * 0.5


def _set_paragraph(sheet: Sheet, paragraph: Paragraph) -> None:
    indent = 10.0 if paragraph.role == "item" else 0.0
    if paragraph.role in ("remark", "signature"):
        sheet.y += sheet.font.leading * (2.0 if paragraph.role == "signature" else 0.4)
    is_shaded = paragraph.role == "patient" and sheet.style.page.letterhead in ("banner", "split")
    for line in sheet.lines(paragraph.spans, sheet.right - sheet.left - indent):
        sheet.need(sheet.font.leading)
        top = sheet.y
        sheet.y += sheet.font.leading
        if is_shaded:
            bottom = sheet.y + sheet.font.size * 0.4
            top += sheet.font.size * 0.05
            sheet.page.fills.append(
                Fill(sheet.left - 4, top, sheet.right + 4, bottom, PATIENT_FILL)
            )
        sheet.put_line(line, sheet.left + indent, sheet.y, sheet.font)


def _set_pairs(sheet: Sheet, pairs: Pairs) -> None:
    names = [sheet.bold.width("".join(span.text for span in name)) for name, _ in pairs.rows]
    column = min(max(names) + 18.0, (sheet.right - sheet.left) * 0.5)
    for name, said in pairs.rows:
        name_lines = sheet.lines(name, column - 8.0, sheet.bold)
        said_lines = sheet.lines(said, sheet.right - sheet.left - column)
        height = max(len(name_lines), len(said_lines)) * sheet.font.leading + 2.0
        sheet.need(height)
        for x, lines, font in (
            (sheet.left, name_lines, sheet.bold),
            (sheet.left + column, said_lines, sheet.font),
        ):
            for number, line in enumerate(lines, 1):
                sheet.put_line(line, x, sheet.y + number * font.leading, font)
        sheet.y += height


def _set_footers(sheet: Sheet) -> None:
    small = Font(sheet.font.family, 7.5)
    for number, page in enumerate(sheet.pages, 1):
        text = f"{number} / {len(sheet.pages)}"
        x, y = sheet.right - small.width(text), sheet.height - FOOT
        page.runs.append(Run(text, x, y, small, FOOT_COLOUR))
        page.runs.append(Run(sheet.style.page.footer, sheet.left, y, small, FOOT_COLOUR))
