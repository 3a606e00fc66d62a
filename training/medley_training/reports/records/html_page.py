"""A report as one HTML page that needs nothing else: styles and drawings are in it."""

import re
from collections.abc import Sequence
from html import escape

from medley_registry.inert import inert

from medley_training.chart import FAINT, GRID, INK, PALETTE, QUIET, darker
from medley_training.reports.records.content import (
    Block,
    Bullets,
    Cell,
    Document,
    Figure,
    Paragraph,
    Quantity,
    Section,
    Table,
)
from medley_training.reports.records.page_style import STYLE

_SHORT = 22
"""Letters of a cell that is not broken into lines."""
_LONGEST_NUMBER = 12
_HEADER = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"| height="[^"]*"(?=[^>]*viewBox)')
_NAME = re.compile(r'(\bid="|href="#|url\(#)')
# What is dark on white must not stay so on a dark page.
_COLOURS = {
    "#ffffff": "var(--paper)",
    "white": "var(--paper)",
    INK.lower(): "var(--ink)",
    QUIET.lower(): "var(--quiet)",
    FAINT.lower(): "var(--faint)",
    GRID.lower(): "var(--grid)",
    **{darker(colour).lower(): f"var(--word{at})" for at, colour in enumerate(PALETTE)},
}
_COLOUR = re.compile(r"(?<=fill: |roke: )#[0-9a-f]{6}")


def html_page(document: Document) -> str:
    """The whole page; text from records stands as it is and acts as nothing."""
    title = html_text(document.title)
    links = "".join(
        f'<li><a href="#{_anchor(each)}">{html_text(each.title)}</a></li>'
        for each in document.sections
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<header><h1>{title}</h1>\n<p class="lead">{html_text(document.lead)}</p></header>\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n<main>\n'
        + "\n".join(map(_section, document.sections))
        + "\n</main>\n</body>\n</html>\n"
    )


def html_text(text: str) -> str:
    """Text in which no character is markup."""
    return escape(inert(text))


def inline_svg(figure: Figure) -> str:
    """The drawing without its XML header, in the page's colours, its names unique in the page."""
    svg = _METADATA.sub("", _HEADER.sub("", figure.svg))
    svg = _SIZE.sub(r"\1", svg)
    svg = _NAME.sub(rf"\g<1>{figure.name}-", svg)
    svg = _COLOUR.sub(lambda match: _COLOURS.get(match[0], match[0]), svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html_text(figure.alt)}" ', 1)


def _section(section: Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return (
        f'<section id="{_anchor(section)}">\n<h2>{html_text(section.title)}</h2>\n{blocks}\n'
        "</section>"
    )


def _anchor(section: Section) -> str:
    return "".join(c if c.isalnum() else "-" for c in section.title.lower())


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{html_text(text)}</p>"
        case Bullets(lines):
            return f"<ul>{''.join(f'<li>{html_text(line)}</li>' for line in lines)}</ul>"
        case Table():
            return _table(block)
        case Figure():
            return f"<figure>{inline_svg(block)}</figure>"


def _table(table: Table) -> str:
    kinds = [_kind([row[at] for row in table.rows]) for at in range(len(table.head))]
    caption = f"<caption>{html_text(table.caption)}</caption>" if table.caption else ""
    head = "".join(
        f'<th scope="col"{kind}>{html_text(cell)}</th>'
        for kind, cell in zip(kinds, table.head, strict=True)
    )
    body = "".join(_row(row, kinds) for row in table.rows)
    return (
        f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Cell], kinds: Sequence[str]) -> str:
    texts = [cell.text if isinstance(cell, Quantity) else cell for cell in row]
    pairs = zip(kinds, texts, strict=True)
    return f"<tr>{''.join(f'<td{kind}>{html_text(text)}</td>' for kind, text in pairs)}</tr>"


def _kind(column: Sequence[Cell]) -> str:
    """Numbers stand at the right; what is short stays on one line."""
    texts = [cell.text if isinstance(cell, Quantity) else cell for cell in column]
    kinds = ["number"] if column and all(map(_is_number, column)) else []
    kinds += ["short"] if max(map(len, texts), default=0) <= _SHORT else []
    return f' class="{" ".join(kinds)}"' if kinds else ""


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, Quantity) or cell in ("", "-", "?"):
        return True
    return cell[0].isdigit() and len(cell) <= _LONGEST_NUMBER
