"""What a document is made of before it becomes text or pages.

Every printed value is a span of its own, which knows the paths of the record's values that it
prints; one span may print several, as the time above a column does for all of its rows.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    paths: tuple[str, ...] = ()


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Letterhead:
    hospital: str
    address: str
    title: str


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans
    role: Literal["patient", "body", "item", "remark", "signature"] = "body"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Lines of a name and what is said of it."""

    rows: tuple[tuple[Spans, Spans], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headings; an empty cell is an empty tuple."""

    headings: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]
    widths: tuple[int, ...]


Block: TypeAlias = Letterhead | Heading | Paragraph | Pairs | Table


def plain(spans: Spans) -> str:
    """The characters of some spans."""
    return "".join(span.text for span in spans)
