"""Pages as a PDF whose bytes depend on nothing but the pages."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from medley_training.documents.page import PageLayout, register_fonts

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas


def as_pdf(pages: Sequence[PageLayout], *, title: str) -> bytes:
    """The PDF of some pages; every run is drawn where its box says."""
    from reportlab.pdfgen.canvas import Canvas

    register_fonts()
    out = BytesIO()
    # Invariant: no time of day and no random id in it.
    canvas = Canvas(out, invariant=1)
    canvas.setTitle(title)
    for page in pages:
        canvas.setPageSize((page.width, page.height))
        _draw(canvas, page)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: "Canvas", page: PageLayout) -> None:
    from reportlab.lib.colors import HexColor

    for fill in page.fills:
        canvas.setFillColor(HexColor(fill.colour))
        canvas.rect(
            fill.x0, page.height - fill.y1, fill.x1 - fill.x0, fill.y1 - fill.y0, stroke=0, fill=1
        )
    for rule in page.rules:
        canvas.setStrokeColor(HexColor(rule.colour))
        canvas.setLineWidth(rule.width)
        canvas.line(rule.x0, page.height - rule.y0, rule.x1, page.height - rule.y1)
    for run in page.runs:
        canvas.setFillColor(HexColor(run.colour))
        canvas.setFont(run.font.face, run.font.size)
        canvas.drawString(run.x, page.height - run.baseline, run.text)
