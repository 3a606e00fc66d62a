"""The parts of an answer, put together for the page."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medley.reading import DocumentError, Wanted
from medley.results import Extraction, PageSummary

from medley_server.page.comparison import comparison_table
from medley_server.page.page_picture import page_view
from medley_server.page.shown_values import shown_values
from medley_server.page.summary import summary
from medley_server.page.values_table import values_table

if TYPE_CHECKING:
    from medley.reading import Readers

_PIXELS = 1_600_000
_LEGEND = """<p class=md-legend><span class='md-key md-sure'></span> sure
<span class='md-key md-unsure'></span> less sure <b>?</b>
<span class='md-key md-review'></span> to be reviewed <b>!</b></p>"""


def results(found: Sequence[Extraction]) -> tuple[str, str]:
    """What is said above the values, and the values: of one version, or of two side by side."""
    if len(found) == 1:
        return summary(found[0]), _LEGEND + values_table(found[0])
    both = "".join(
        f"<section aria-label='Version {side}'><h3><b class=md-side>{side}</b> "
        f"{escape(one.model.adapter or one.model.base)}</h3>{summary(one)}</section>"
        for side, one in zip("AB", found, strict=True)
    )
    return f"<div class=md-both>{both}</div>", _LEGEND + comparison_table(*found)


def actions(found: Sequence[Extraction]) -> str:
    """The buttons that save."""
    one = found[0]
    name = escape(one.model.adapter or one.model.base)
    of = f" of A, {name}" if len(found) > 1 else ""
    fhir = (
        "<button type=button data-keep=fhir aria-describedby=md-fhir-said>Save FHIR</button>"
        if one.fhir is not None
        else ""
    )
    said = "FHIR is of what was read: edits are in the JSON only." if fhir else ""
    return (
        f"<div class=md-actions><button type=button data-keep=json>Save JSON{of}</button>{fhir}"
        f"<p id=md-edits role=status></p><p id=md-fhir-said class=md-hint>{said}</p></div>"
    )


def text_of(extraction: Extraction) -> str:
    """The pages' text, where it was asked for."""
    if extraction.text is None:
        return ""
    pages = "".join(
        f"<h4>Page {n}</h4><pre tabindex=0>{escape(page)}</pre>"
        for n, page in enumerate(extraction.text.split("\f"), start=1)
    )
    return f"<details class=md-text><summary>Text of the pages</summary>{pages}</details>"


async def drawn_page(
    document: Path | None, found: Sequence[Extraction], number: int, readers: "Readers"
) -> str:
    """A page with the boxes of all that was read on it."""
    pages = found[0].document.pages
    page = pages[min(max(number, 1), len(pages)) - 1]
    values = [
        value
        for side, one in zip("ab", found, strict=False)
        for value in shown_values(one, side=side).values()
    ]
    picture = None if document is None else await _picture(document, page, readers)
    return page_view(page, of=len(pages), values=values, picture=picture)


async def _picture(document: Path, page: PageSummary, readers: "Readers") -> bytes | None:
    wanted = Wanted(images=True, image_pixels=_PIXELS, drawn_at=page.rotation)
    try:
        reading = await readers.read(document, pages=str(page.n), wanted=wanted)
    except (DocumentError, OSError):  # the API has said what there is to say of the document
        return None
    return reading.pages[page.n - 1].image
