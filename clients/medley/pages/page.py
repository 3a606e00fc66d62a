"""A page and the words on it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle as shares of the upright page: from the top left corner, 0 to 1."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, boxes: Iterable["Box"]) -> "Box":
        """The smallest box that holds all of them; there must be one at least."""
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return cls(min(lefts), min(tops), max(rights), max(bottoms))


class Source(StrEnum):
    """Where a page's words come from."""

    TEXT_LAYER = "text_layer"
    OCR = "ocr"
    NONE = "none"


class PageStatus(StrEnum):
    """What became of a page; every page of a document has one.

    Attributes:
        READ: It has words.
        BLANK: There is no ink on it.
        UNREADABLE: There is ink, and nothing legible.
        SKIPPED: Nobody asked for it.
        FAILED: Its reading failed; `Page.detail` says how.
    """

    READ = "read"
    BLANK = "blank"
    UNREADABLE = "unreadable"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text without white space around it.

    Attributes:
        text: Never empty. OCR may give several words as one: then it has spaces inside.
        box: Where it stands.
        confidence: 0 to 1; 1 for a text layer.
    """

    text: str
    box: Box
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as it is read: upright.

    Attributes:
        number: From 1.
        width: In pixels of the image that was looked at, or would be.
        height: In the same pixels.
        dpi: Pixels per inch; None where the file does not tell.
        rotation: By how many degrees it was turned clockwise to be upright: 0, 90, 180 or 270.
        words: In no promised order.
        unreadable: Where there is text that is not legible.
        image: The upright page as JPEG or PNG, where it was asked for.
        detail: Why it failed, in one line.
    """

    number: int
    status: PageStatus
    source: Source = Source.NONE
    width: int = 0
    height: int = 0
    dpi: float | None = None
    rotation: int = 0
    words: tuple[Word, ...] = ()
    unreadable: tuple[Box, ...] = ()
    image: bytes | None = field(default=None, repr=False)
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A whole document as it was read.

    Attributes:
        sha256: Of the file's bytes, in hex.
        media_type: By content, such as ``application/pdf``.
        pages: All of them in order, also those that nobody asked for.
    """

    sha256: str
    media_type: str
    pages: tuple[Page, ...]
