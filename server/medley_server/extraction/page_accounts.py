"""What became of every page: pages in are pages accounted for."""

from collections.abc import Iterator, Sequence

from medley.pages import Page, PageStatus, Reading, Source
from medley.results import DocumentSummary, ExtractionWarning, PageSummary

from medley_server.extraction.errors import BlankDocument

_UNREAD = {
    PageStatus.FAILED: ("page_failed", "Reading this page failed"),
    PageStatus.UNREADABLE: ("page_unreadable", "There is ink on this page and nothing legible"),
}


def asked(reading: Reading) -> tuple[Page, ...]:
    """The pages that were asked for.

    Raises:
        BlankDocument: There is no ink on any of them.
    """
    pages = tuple(page for page in reading.pages if page.status is not PageStatus.SKIPPED)
    if all(page.status is PageStatus.BLANK for page in pages):
        number = pages[0].number if len(pages) == 1 else None
        raise BlankDocument("There is no ink on the pages that were asked for.", page=number)
    return pages


def summary(reading: Reading, kind: str, confidence: float | None) -> DocumentSummary:
    """What is said of the document itself."""
    processed = (PageStatus.READ, PageStatus.BLANK)
    return DocumentSummary(
        type=kind,
        type_confidence=confidence,
        media_type=reading.media_type,
        sha256=reading.sha256,
        pages_in=len(reading.pages),
        pages_processed=sum(page.status in processed for page in reading.pages),
        pages=tuple(_page(page) for page in reading.pages),
    )


def _page(page: Page) -> PageSummary:
    return PageSummary(
        n=page.number,
        status=page.status.value,
        text_layer=page.source is Source.TEXT_LAYER,
        width=page.width,
        height=page.height,
        dpi=page.dpi,
        rotation=page.rotation,
        unreadable=page.unreadable,
        detail=page.detail,
    )


def unread(pages: Sequence[Page]) -> Iterator[ExtractionWarning]:
    """A warning for each page that was asked for and could not be read."""
    for page in pages:
        if page.status in _UNREAD:
            code, message = _UNREAD[page.status]
            why = f": {page.detail}" if page.detail else "."
            yield ExtractionWarning(code=code, message=f"{message}{why}", page=page.number)


def unreadable(reading: Reading) -> tuple[str, ...]:
    """Paths, in the answer's `document`, of the pages and regions that are not legible."""
    paths: list[str] = []
    for index, page in enumerate(reading.pages):
        if page.status is PageStatus.UNREADABLE:
            paths.append(f"document.pages[{index}]")
        regions = range(len(page.unreadable))
        paths += [f"document.pages[{index}].unreadable[{region}]" for region in regions]
    return tuple(paths)
