"""Documents that the tests of reading are about, made on the spot."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from medley.pages import Reading

LINES = (
    "Potassium 5.9 mmol/L high, was taken in the morning",
    "Sodium 140 mmol/L and nothing else to be said of it",
    "Creatinine 88 mmol/L within the range of the laboratory",
    "Patient is to take metoprolol 25 mg twice a day by mouth",
)


def drawn_pdf(draw: Callable[[Any], None], *, size: tuple[float, float] = (612, 792)) -> bytes:
    """A PDF of one page on which `draw` has drawn with reportlab's canvas."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, invariant=1, pagesize=size)
    draw(canvas)
    canvas.save()
    return out.getvalue()


def write_lines(
    canvas: Any, lines: Sequence[str] = LINES, *, x: float = 72, y: float = 700
) -> None:
    canvas.setFont("Helvetica", 12)
    for number, line in enumerate(lines):
        canvas.drawString(x, y - 20 * number, line)


def text_pdf(*, pages: int = 1) -> bytes:
    def draw(canvas: Any) -> None:
        for number in range(1, pages + 1):
            write_lines(canvas, (f"Page {number}", *LINES))
            canvas.showPage()

    return drawn_pdf(draw)


def picture(text: str = "Potassium 5.9 mmol/L", *, size: tuple[int, int] = (800, 200)) -> Any:
    """A white picture with a line of large black text."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((40, size[1] // 2 - 24), text, fill="black", font_size=40)
    return image


def saved(image: Any, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def placed(folder: Path, data: bytes) -> Path:
    """The bytes as a file, whose name says nothing."""
    path = folder / "document"
    path.write_bytes(data)
    return path


def texts(reading: Reading, page: int = 1) -> list[str]:
    return [word.text for word in reading.pages[page - 1].words]
