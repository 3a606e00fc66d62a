"""A report as Markdown; plots are files beside it."""

import re
from collections.abc import Sequence
from html import escape

from medley_registry.inert import inert

from medley_training.reports.records.content import (
    Bullets,
    Cell,
    Document,
    Figure,
    Paragraph,
    Quantity,
    Section,
    Table,
)

PLOTS_FOLDER = "plots"
_MARKS = re.compile(r"([\\`*\[\]|~$])")
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_LINE_START = re.compile(r"^([0-9]*)([#+=>.)-])")
_ADDRESS = re.compile(r"(?i)\b(https?|ftp|mailto|www)([:.])")


def markdown_page(document: Document) -> str:
    """The whole page; text from records stands as it is and acts as nothing."""
    parts = [f"# {markdown_text(document.title)}", markdown_text(document.lead)]
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def markdown_text(text: str) -> str:
    """Text in which no character is markup, an address or HTML."""
    return _LINE_START.sub(r"\1\\\2", _without_marks(text).strip())


def _without_marks(text: str) -> str:
    """For the middle of a line, where a dash or a number begins nothing."""
    plain = _MARKS.sub(r"\\\1", escape(inert(text), quote=False))
    plain = _EDGE_UNDERSCORE.sub(r"\\_", plain)
    return _ADDRESS.sub(r"\1\\\2", plain)


def _section(section: Section) -> list[str]:
    found = [f"## {markdown_text(section.title)}"]
    for block in section.blocks:
        match block:
            case Paragraph(text):
                found.append(markdown_text(text))
            case Bullets(lines):
                found.append("\n".join(f"- {markdown_text(line)}" for line in lines))
            case Table():
                found += _table(block)
            case Figure():
                found.append(f"![{markdown_text(block.alt)}]({PLOTS_FOLDER}/{block.name}.svg)")
    return found


def _table(table: Table) -> list[str]:
    rules = ["---:" if _is_numbers(table, at) else "---" for at in range(len(table.head))]
    lines = [_line(table.head), f"| {' | '.join(rules)} |", *map(_line, table.rows)]
    caption = [f"**{markdown_text(table.caption)}**"] if table.caption else []
    return [*caption, "\n".join(lines)]


def _line(cells: Sequence[Cell]) -> str:
    texts = [cell.text if isinstance(cell, Quantity) else cell for cell in cells]
    return f"| {' | '.join(map(_without_marks, texts))} |"


def _is_numbers(table: Table, at: int) -> bool:
    return bool(table.rows) and all(isinstance(row[at], Quantity) for row in table.rows)
