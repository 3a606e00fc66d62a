"""Pages that have to be looked at, read by the real engine."""

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from medley.pages import Box, Page, PageStatus, Source
from medley.reading import MediaType, Wanted, read_document
from medley.records import DocumentType
from medley_training.documents.document import generate
from medley_training.documents.files import write_document

from tests.unit.clients.reading.specimens import drawn_pdf, picture, placed, saved


def page_of(folder: Path, image: Any, wanted: Wanted | None = None) -> Page:
    return read_document(placed(folder, saved(image, "PNG")), wanted=wanted).pages[0]


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    across, down = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    shared = max(across, 0) * max(down, 0)
    both = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (a, b))
    return shared / (both - shared)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A generated document as a PDF and as a scanned page, grey, grainy and askew."""
    folder = tmp_path_factory.mktemp("scan")
    document = generate(3, document_type=DocumentType.LAB_PANEL, style="lakeside")
    write_document(document, folder, ("pdf", "png"), scan_seed=1)
    return next(folder.glob("*.pdf")), next(folder.glob("*-1.png"))


def test_scanned_page_says_what_its_pdf_says(scan: tuple[Path, Path]) -> None:
    pdf, image = (read_document(path).pages[0] for path in scan)
    assert (pdf.source, image.source) == (Source.TEXT_LAYER, Source.OCR)
    said = Counter(word.text for word in pdf.words)
    seen = Counter(word.text for word in image.words)
    assert (said & seen).total() > 0.9 * said.total()
    once = {word.text: word.box for word in pdf.words if said[word.text] == 1}
    shares = [overlap(once[w.text], w.box) for w in image.words if w.text in once]
    assert sum(shares) / len(shares) > 0.4  # the scan lies askew, the PDF does not
    assert all(0.6 < word.confidence <= 1.0 for word in image.words)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_turned_page_is_read_upright(turned: int, tmp_path: Path) -> None:
    from PIL import Image

    sheet = Image.new("RGB", (800, 1000), "white")
    for line in range(4):
        sheet.paste(picture(f"Potassium 5.{line} mmol/L high"), (0, 200 * line))
    page = page_of(tmp_path, sheet.rotate(turned, expand=True), Wanted(images=True))
    assert page.rotation == turned  # it was turned counter-clockwise
    assert (page.width, page.height) == (800, 1000)
    (first,) = [word for word in page.words if word.text == "5.0"]
    assert first.box.y1 < 0.25
    assert 0.2 < first.box.x0 < 0.5
    assert page.image is not None
    with Image.open(io.BytesIO(page.image)) as image:
        assert image.size == (800, 1000)


def test_words_are_boxed_one_by_one(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (1200, 300), "white")
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(32)
    at, expected = 60.0, {}
    for text in ("Metoprolol", "tartrate", "25", "mg", "twice", "daily"):
        drawing.text((at, 130), text, fill="black", font=font)
        x0, y0, x1, y1 = drawing.textbbox((at, 130), text, font=font)
        expected[text] = Box(x0 / 1200, y0 / 300, x1 / 1200, y1 / 300)
        at = x1 + 12
    words = {word.text: word.box for word in page_of(tmp_path, image).words}
    assert words.keys() == expected.keys()
    for text, box in expected.items():
        assert words[text].x0 == pytest.approx(box.x0, abs=0.006), text
        assert words[text].x1 == pytest.approx(box.x1, abs=0.006), text


def test_page_with_ink_and_nothing_legible_is_unreadable(tmp_path: Path) -> None:
    from PIL import Image, ImageDraw

    image = Image.new("L", (900, 900), "white")
    ImageDraw.Draw(image).ellipse((200, 200, 700, 700), fill=90)
    page = page_of(tmp_path, image)
    assert page.status is PageStatus.UNREADABLE
    assert page.source is Source.NONE
    assert not page.words


def test_text_nobody_sees_is_not_read_from_a_scan(tmp_path: Path) -> None:
    from reportlab.lib.utils import ImageReader

    def draw(canvas: Any) -> None:
        canvas.drawImage(ImageReader(picture("Potassium 5.9 mmol/L")), 50, 500, 500, 125)
        canvas.drawString(60, 560, "Potassium 3.9 mmol/L", mode=3)

    page = read_document(placed(tmp_path, drawn_pdf(draw))).pages[0]
    assert page.source is Source.OCR
    assert [word.text for word in page.words] == ["Potassium", "5.9", "mmol/L"]


def test_image_keeps_to_its_budget(tmp_path: Path) -> None:
    from PIL import Image

    page = page_of(tmp_path, picture(), Wanted(images=True, image_pixels=40_000))
    assert page.image is not None
    with Image.open(io.BytesIO(page.image)) as image:
        assert image.width * image.height <= 40_000
        assert image.width / image.height == pytest.approx(4, rel=0.02)


def test_fax_is_read(tmp_path: Path) -> None:
    sheet = picture(size=(864, 300)).resize((864, 144)).convert("1")  # half the dots downwards
    data = saved(sheet, "TIFF", compression="group4", dpi=(204, 98))
    reading = read_document(placed(tmp_path, data))
    assert reading.media_type == MediaType.TIFF
    assert "5.9" in [word.text for word in reading.pages[0].words]
