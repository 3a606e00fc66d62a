"""What a report says, before it is Markdown, HTML or JSON: sections of paragraphs, tables, figures.

Text in here is as it was recorded; each renderer makes it harmless in its own language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from medley_registry.canonical import Json


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the text that people read.

    Attributes:
        value: None where nothing was recorded.
        text: The number with its unit, and its interval if there is one.
        low, high: The interval.
    """

    value: float | None
    text: str
    low: float | None = None
    high: float | None = None

    def to_json(self) -> Json:
        """The number, or with an interval an object."""
        if self.low is None or self.high is None:
            return self.value
        return {"value": self.value, "low": self.low, "high": self.high}


Cell: TypeAlias = str | Quantity


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: str

    def to_json(self) -> dict[str, Json]:
        return {"paragraph": self.text}


@dataclass(frozen=True, slots=True)
class Bullets:
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"list": [*self.lines]}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that are as long as the head."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""

    @classmethod
    def of(cls, head: Sequence[str], rows: Sequence[Sequence[Cell]], caption: str = "") -> "Table":
        return cls(tuple(head), tuple(tuple(row) for row in rows), caption)

    def without_empty_columns(self) -> "Table":
        """Columns in which nothing was recorded left out; the first stays."""
        kept = [
            at
            for at in range(len(self.head))
            if at == 0 or any(not _is_empty(row[at]) for row in self.rows)
        ]
        rows = [[row[at] for at in kept] for row in self.rows]
        return Table.of([self.head[at] for at in kept], rows, self.caption)

    def to_json(self) -> dict[str, Json]:
        rows: list[Json] = [
            [cell.to_json() if isinstance(cell, Quantity) else cell for cell in row]
            for row in self.rows
        ]
        return {"table": {"caption": self.caption, "columns": [*self.head], "rows": rows}}


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot.

    Attributes:
        name: Unique in a report; letters, digits and hyphens.
        alt: What it shows, with the numbers, for those who do not see it.
        svg: The drawing, a whole SVG document.
    """

    name: str
    alt: str
    svg: str

    def to_json(self) -> dict[str, Json]:
        return {"figure": {"name": self.name, "alt": self.alt}}


Block: TypeAlias = Paragraph | Bullets | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it; without blocks there is nothing to tell."""

    title: str
    blocks: tuple[Block, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {"title": self.title, "blocks": [block.to_json() for block in self.blocks]}


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        blocks = [block for section in self.sections for block in section.blocks]
        return tuple(block for block in blocks if isinstance(block, Figure))

    def to_json(self) -> dict[str, Json]:
        """The same content for programs: numbers instead of their texts, figures by name."""
        sections: list[Json] = [section.to_json() for section in self.sections]
        return {"title": self.title, "lead": self.lead, "sections": sections}


def _is_empty(cell: Cell) -> bool:
    return cell.value is None if isinstance(cell, Quantity) else cell == ""
