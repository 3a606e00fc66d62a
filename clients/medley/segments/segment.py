"""A part of a page that is asked about by itself."""

from dataclasses import dataclass

from medley.pages import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A row of a table, an item of a list, a sentence, or a line.

    Attributes:
        page: From 1.
        heading: The nearest heading above it, or nothing.
        text: What it says; the cells of a row are named by the titles of their columns.
        words: What it is made of, in reading order; the titles of its columns come last.
    """

    page: int
    heading: str
    text: str
    words: tuple[Word, ...]
