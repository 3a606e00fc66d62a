"""Readings made of lines of text: words where a printer would have put them."""

from collections.abc import Sequence

from medley.pages import Box, Page, PageStatus, Reading, Source, Word

_LETTER = 0.008
_HEIGHT = 0.018
_STEP = 0.03


def words_of(line: str, row: int, confidence: float = 1.0) -> list[Word]:
    """The words of a line; more than one space parts columns."""
    words, at = [], 0
    for text in line.split(" "):
        if text:
            x0, y0 = 0.05 + at * _LETTER, 0.05 + row * _STEP
            box = Box(x0, y0, x0 + len(text) * _LETTER * 0.95, y0 + _HEIGHT)
            words.append(Word(text, box, confidence))
        at += len(text) + 1
    return words


def page_of(
    *lines: str,
    number: int = 1,
    source: Source = Source.TEXT_LAYER,
    confidence: float = 1.0,
    image: bytes | None = None,
    unreadable: tuple[Box, ...] = (),
) -> Page:
    return Page(
        number=number,
        status=PageStatus.READ,
        source=source,
        width=850,
        height=1100,
        words=tuple(
            word for row, line in enumerate(lines) for word in words_of(line, row, confidence)
        ),
        image=image,
        unreadable=unreadable,
    )


def empty_page(status: PageStatus, number: int = 1, detail: str | None = None) -> Page:
    return Page(number=number, status=status, detail=detail)


def reading_of(pages: Sequence[Page]) -> Reading:
    return Reading(sha256="ab" * 32, media_type="application/pdf", pages=tuple(pages))
