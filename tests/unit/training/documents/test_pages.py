"""The boxes of values, checked against pdfium, which shares nothing with our writer of PDF."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pytest
from medley.records import DocumentType
from medley_training.documents.document import Document, generate
from medley_training.documents.layout import laid_out
from medley_training.documents.page import Box, PageLayout, Place, places
from medley_training.documents.pdf import as_pdf
from medley_training.documents.styles import STYLES, site_style
from pypdfium2 import PdfDocument

TOLERANCE = 0.75  # points: a quarter of a millimetre
EVERY = [(style, kind) for style in STYLES for kind in DocumentType]


@dataclass(frozen=True, slots=True)
class Character:
    text: str
    left: float
    top: float
    right: float
    bottom: float


@cache
def _document(style: str, kind: DocumentType) -> Document:
    return generate(5, document_type=kind, style=style, length="full")


@cache
def _pages(style: str, kind: DocumentType) -> list[PageLayout]:
    return laid_out(_document(style, kind).blocks, site_style(style))


def _characters(pdf: bytes) -> Iterator[list[Character]]:
    """The characters of each page where pdfium finds them, from the top left corner."""
    with PdfDocument(pdf) as document:
        for page in document:
            text, height = page.get_textpage(), page.get_height()
            found = []
            for index in range(text.count_chars()):
                left, bottom, right, top = text.get_charbox(index, loose=True)
                letter = text.get_text_range(index, 1)
                found.append(Character(letter, left, height - top, right, height - bottom))
            yield found


def _inside(characters: list[Character], page: PageLayout, box: Box) -> list[Character]:
    left, right = box[0] * page.width, box[2] * page.width
    top, bottom = box[1] * page.height, box[3] * page.height
    return [
        each
        for each in characters
        if left < (each.left + each.right) / 2 < right
        and top < (each.top + each.bottom) / 2 < bottom
    ]


def _words(text: str) -> list[str]:
    return text.replace("\r", "").split()


@pytest.mark.parametrize(("style", "kind"), EVERY)
def test_pdfium_reads_in_every_box_the_value_that_is_said_to_be_there(
    style: str, kind: DocumentType
) -> None:
    pages = _pages(style, kind)
    characters = list(_characters(as_pdf(pages, title="x")))

    for place in places(pages):
        read = []
        for number, box in place.boxes:
            page = pages[number - 1]
            inside = _inside(characters[number - 1], page, box)
            read.append("".join(each.text for each in inside))
            inked = [each for each in inside if each.text.strip()]
            assert inked[0].left == pytest.approx(box[0] * page.width, abs=TOLERANCE)
            assert inked[-1].right == pytest.approx(box[2] * page.width, abs=TOLERANCE)
        assert _words(" ".join(read)) == _words(place.text), place


@pytest.mark.parametrize(("style", "kind"), EVERY)
def test_every_value_of_the_truth_has_a_place_that_reads_like_it(
    style: str, kind: DocumentType
) -> None:
    found: dict[str, list[Place]] = {}
    for place in places(_pages(style, kind)):
        found.setdefault(place.path, []).append(place)

    for path, leaf in _document(style, kind).truth.leaves():
        assert {place.text for place in found[path]} == {leaf.text}


@pytest.mark.parametrize(("style", "kind"), EVERY)
def test_nothing_stands_off_the_page_or_on_top_of_something_else(
    style: str, kind: DocumentType
) -> None:
    for page in _pages(style, kind):
        boxes = [run.box for run in page.runs]
        assert all(left >= 0 and right <= page.width for left, _, right, _ in boxes)
        assert all(top >= 0 and bottom <= page.height for _, top, _, bottom in boxes)
        by_line: dict[float, list[tuple[float, float]]] = {}
        for run in page.runs:
            by_line.setdefault(run.baseline, []).append((run.box[0], run.box[2]))
        for line in by_line.values():
            line.sort()
            ends = pairwise(line)
            assert all(right <= left + 0.01 for (_, right), (left, _) in ends)


def test_long_forms_go_on_for_pages_with_their_headings_again() -> None:
    pages = _pages("lakeside", DocumentType.ICU_FLOWSHEET)

    assert len(pages) > 1
    assert any("(continued)" in run.text for run in pages[1].runs)


def test_the_same_pages_are_the_same_bytes() -> None:
    first, second = (
        as_pdf(
            laid_out(_document(style, DocumentType.LAB_PANEL).blocks, site_style(style)), title="x"
        )
        for style in ("nordhafen", "nordhafen")
    )

    assert first == second
