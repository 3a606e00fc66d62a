"""A document file, from its bytes to what is on its pages."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medley.pages import Page, PageStatus, Reading
from medley.reading.budget import Budget
from medley.reading.errors import (
    CorruptDocument,
    FileTooLarge,
    ImageTooSmall,
    TooManyPages,
    TooManyPixels,
    TooMuchText,
)
from medley.reading.media import HEAD_BYTES, MediaType, media_type
from medley.reading.page_reading import Wanted, read_page
from medley.reading.selection import parse_pages
from medley.reading.source import Size, Source

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a document before a page of it is decoded.

    Attributes:
        count: How many pages it has.
        asked: The numbers of those to read.
    """

    sha256: str
    media_type: MediaType
    count: int
    asked: tuple[int, ...]


def read_document(
    path: Path,
    *,
    pages: str | None = None,
    wanted: Wanted | None = None,
    budget: Budget | None = None,
) -> Reading:
    """Read a document in this process, which then bears what hostile files do.

    Limits of time and memory do not hold here; servers use `Readers`. One thread at a time.

    Args:
        path: The file; its name does not matter.
        pages: Like ``1-3,5``; all when None. The others are told as skipped.
        wanted: What to give besides words.
        budget: The limits; the usual ones when None.

    Raises:
        DocumentError: It is no document that can be read, or over a limit.
    """
    limits = budget or Budget()
    outline = outlined(path, pages, limits)
    read = {}
    with opened(path, outline.media_type, limits) as source:
        for number in outline.asked:
            read[number] = attempted(source, number, wanted or Wanted())
            check_words(read, limits)
    return put_together(outline, read)


def outlined(path: Path, pages: str | None, budget: Budget) -> Outline:
    """Look a file over and refuse it if it is over a limit.

    Raises:
        DocumentError: It is no document that can be read, or over a limit.
    """
    size = path.stat().st_size
    if size > budget.max_bytes:
        raise FileTooLarge(
            f"the file has {size} bytes; at most {budget.max_bytes} are read",
            limit=budget.max_bytes,
            actual=size,
        )
    with path.open("rb") as file:
        kind = media_type(file.read(HEAD_BYTES))
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    _check_streams(path, kind, budget)
    with opened(path, kind, budget) as source:
        count = source.count(budget.max_file_pages)
        _check_pages(count, budget.max_file_pages, "the document has")
        asked = parse_pages(pages, count)
        _check_pages(len(asked), budget.max_pages, "asked for are")
        _check_sizes(source, asked, kind, budget)
    return Outline(sha256, kind, count, asked)


@contextmanager
def opened(path: Path, kind: MediaType, budget: Budget) -> Iterator[Source]:
    """The file as something that has pages.

    Raises:
        DocumentError: It cannot be opened.
    """
    from medley.reading.dicom import encapsulated_pdf
    from medley.reading.picture import PictureFile

    source: Source
    if kind is MediaType.DICOM:
        source = _pdf(encapsulated_pdf(path), budget)
    elif kind is MediaType.PDF:
        source = _pdf(path, budget)
    else:
        source = PictureFile(path, kind)
    try:
        yield source
    finally:
        source.close()


def _pdf(content: Path | bytes, budget: Budget) -> Source:
    from medley.reading.pdf import PdfFile

    most = budget.max_page_characters
    return PdfFile(content, max_pixels=budget.max_pixels, max_characters=most)


def attempted(source: Source, number: int, wanted: Wanted) -> Page:
    """Read a page; one that is damaged has failed, and the others are read all the same.

    Raises:
        DocumentError: The document is over a limit.
    """
    try:
        return read_page(source, number, wanted)
    except CorruptDocument as error:
        return failed(number, str(error))


def check_words(read: Mapping[int, Page], budget: Budget) -> None:
    """Whether the pages that are done are not too much together.

    Raises:
        TooMuchText: They are.
    """
    count = sum(len(page.words) for page in read.values())
    if count > budget.max_words:
        raise TooMuchText(
            f"the pages have more than {budget.max_words} words together, which is the limit",
            limit=budget.max_words,
            actual=count,
        )


def failed(number: int, detail: str) -> Page:
    return Page(number=number, status=PageStatus.FAILED, detail=detail)


def put_together(outline: Outline, read: dict[int, Page]) -> Reading:
    """Every page of the document: those that were read, and the others as skipped.

    Raises:
        CorruptDocument: Of the pages asked for, not one could be read.
    """
    pages = tuple(
        read.get(number) or Page(number=number, status=PageStatus.SKIPPED)
        for number in range(1, outline.count + 1)
    )
    if all(page.status is PageStatus.FAILED for page in read.values()):
        first = read[min(read)]
        raise CorruptDocument(first.detail or "no page could be read", page=first.number)
    return Reading(sha256=outline.sha256, media_type=outline.media_type.value, pages=pages)


def _check_streams(path: Path, kind: MediaType, budget: Budget) -> None:
    from medley.reading.dicom import encapsulated_pdf
    from medley.reading.streams import check_streams

    if kind is MediaType.PDF:
        check_streams(path.read_bytes(), budget.max_unpacked_bytes)
    elif kind is MediaType.DICOM:
        check_streams(encapsulated_pdf(path), budget.max_unpacked_bytes)


def _check_pages(count: int, limit: int, said: str) -> None:
    if count > limit:
        raise TooManyPages(
            f"{said} more than {limit} pages, which is the limit", limit=limit, actual=count
        )


def _check_sizes(source: Source, asked: tuple[int, ...], kind: MediaType, budget: Budget) -> None:
    total = 0
    for number in asked:
        size = source.size(number)
        _check_size(size, number, kind, budget)
        total += size.pixels
    if total > budget.max_total_pixels:
        raise TooManyPixels(
            f"the pages have {total} pixels together; at most {budget.max_total_pixels} are read",
            limit=budget.max_total_pixels,
            actual=total,
        )


def _check_size(size: Size, number: int, kind: MediaType, budget: Budget) -> None:
    shape = f"{size.width} x {size.height} pixels"
    if size.pixels > budget.max_pixels:
        raise TooManyPixels(
            f"page {number} has {shape}; at most {budget.max_pixels} are read",
            limit=budget.max_pixels,
            actual=size.pixels,
            page=number,
        )
    if min(size.width, size.height) < budget.min_side:
        raise ImageTooSmall(
            f"page {number} has {shape}; a side must have {budget.min_side}",
            limit=budget.min_side,
            actual=min(size.width, size.height),
            page=number,
        )
