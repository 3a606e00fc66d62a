"""PDF files with a text layer."""

from pathlib import Path
from typing import Any

import pytest
from medley.pages import PageStatus, Source
from medley.reading import (
    Budget,
    CorruptDocument,
    EncryptedDocument,
    MediaType,
    TooManyPixels,
    TooMuchText,
    read_document,
)
from medley.reading.document import opened
from medley.reading.source import TextLayer

from tests.unit.clients.reading.specimens import (
    LINES,
    drawn_pdf,
    picture,
    placed,
    text_pdf,
    texts,
    write_lines,
)

SAID = " ".join(LINES).split()


def layer_of(path: Path) -> TextLayer:
    with opened(path, MediaType.PDF, Budget()) as source:
        layer = source.layer(1)
    assert layer is not None
    return layer


def test_words_come_from_the_text_layer(tmp_path: Path) -> None:
    reading = read_document(placed(tmp_path, text_pdf(pages=2)))
    assert [page.number for page in reading.pages] == [1, 2]
    assert {page.source for page in reading.pages} == {Source.TEXT_LAYER}
    assert texts(reading, 2) == ["Page", "2", *SAID]
    assert all(word.confidence == 1.0 for word in reading.pages[0].words)


def test_boxes_are_shares_of_the_page_from_the_top_left(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Courier", 10)
        canvas.drawString(100, 592, "0123456789")

    (word,) = read_document(placed(tmp_path, drawn_pdf(draw, size=(400, 800)))).pages[0].words
    x0, y0, x1, y1 = word.box
    assert (x0, x1) == pytest.approx((100 / 400, 160 / 400), abs=0.002)  # Courier: 0.6 of its size
    assert y0 < 208 / 800 - 0.005  # the letters stand on their baseline
    assert 208 / 800 <= y1 < 213 / 800


def test_crop_box_is_the_page(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setCropBox((200, 400, 600, 800))
        canvas.setFont("Courier", 10)
        canvas.drawString(300, 600, "middle")
        canvas.drawString(20, 20, "outside")

    page = read_document(placed(tmp_path, drawn_pdf(draw, size=(800, 1000)))).pages[0]
    (word,) = page.words
    assert word.text == "middle"
    assert page.width == page.height
    assert word.box.x0 == pytest.approx(0.25, abs=0.003)
    assert word.box.y1 == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("drawn", [0, 90, 180, 270])
@pytest.mark.parametrize("shown", [0, 90, 180, 270])
def test_turned_text_is_read_upright(drawn: int, shown: int, tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setPageRotation(shown)
        canvas.translate(300, 300)
        canvas.rotate(drawn)
        write_lines(canvas, x=-200, y=200)

    page = read_document(placed(tmp_path, drawn_pdf(draw, size=(600, 600)))).pages[0]
    assert page.rotation == (drawn - shown) % 360
    assert sorted(word.text for word in page.words) == sorted(SAID)
    (first,) = [word.box for word in page.words if word.text == "Potassium"]
    assert first.x0 == pytest.approx(100 / 600, abs=0.01)
    assert first.y1 == pytest.approx(100 / 600, abs=0.01)


def test_what_was_typed_into_a_form_is_read(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        write_lines(canvas)
        canvas.acroForm.textfield(name="k", value="5.9 mmol/L", x=72, y=500, width=200, height=24)

    assert texts(read_document(placed(tmp_path, drawn_pdf(draw))))[-2:] == ["5.9", "mmol/L"]


def test_empty_page_is_blank(tmp_path: Path) -> None:
    page = read_document(placed(tmp_path, drawn_pdf(lambda canvas: canvas.showPage()))).pages[0]
    assert page.status is PageStatus.BLANK
    assert not page.words


def test_pages_that_nobody_asked_for_are_told_as_skipped(tmp_path: Path) -> None:
    reading = read_document(placed(tmp_path, text_pdf(pages=3)), pages="2")
    assert [page.status for page in reading.pages] == ["skipped", "read", "skipped"]


def test_encrypted_is_told_from_corrupt(tmp_path: Path) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "locked"
    canvas = Canvas(str(path), encrypt=StandardEncryption("secret", strength=128))
    write_lines(canvas)
    canvas.save()
    with pytest.raises(EncryptedDocument):
        read_document(path)
    with pytest.raises(CorruptDocument):
        read_document(placed(tmp_path, text_pdf()[:40]))


def test_encrypted_without_a_password_to_open_is_read(tmp_path: Path) -> None:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "may not be printed"
    lock = StandardEncryption("", ownerPassword="secret", canPrint=0, strength=128)
    canvas = Canvas(str(path), encrypt=lock)
    write_lines(canvas)
    canvas.save()
    assert texts(read_document(path)) == SAID


def test_hidden_text_is_not_said(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        write_lines(canvas)
        canvas.setFillColor("white")
        canvas.drawString(72, 500, "white")
        canvas.setFillColor("black")
        canvas.setFont("Helvetica", 1)
        canvas.drawString(72, 450, "tiny")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 350, "unseen", mode=3)

    layer = layer_of(placed(tmp_path, drawn_pdf(draw)))
    assert [word.text for word in layer.words] == SAID
    assert layer.distrust is None


def test_layer_that_is_mostly_hidden_is_distrusted(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(72, 700, "Seen")
        for number, line in enumerate(LINES):
            canvas.drawString(72, 600 - 20 * number, line, mode=3)

    assert layer_of(placed(tmp_path, drawn_pdf(draw))).distrust == "much of the text cannot be seen"


def test_scan_with_a_line_of_text_over_it_is_distrusted(tmp_path: Path) -> None:
    from reportlab.lib.utils import ImageReader

    def draw(canvas: Any) -> None:
        canvas.drawImage(ImageReader(picture(size=(1200, 1600))), 0, 0, 612, 792)
        canvas.drawString(20, 780, "Received by fax 2024-01-02 page 1 of 1")

    assert layer_of(placed(tmp_path, drawn_pdf(draw))).distrust == "the page is a picture"


def test_text_drawn_as_curves_is_distrusted(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.drawString(72, 760, "Letterhead")
        for number in range(600):  # strokes as of letters, in rows
            x, y = 72 + number % 60 * 8, 700 - number // 60 * 20
            canvas.line(x, y, x + 4, y + 8)
            canvas.line(x + 4, y + 8, x + 6, y)

    layer = layer_of(placed(tmp_path, drawn_pdf(draw)))
    assert layer.distrust == "most of what is seen is not in the text"


def test_small_picture_beside_text_is_no_reason_for_distrust(tmp_path: Path) -> None:
    from reportlab.lib.utils import ImageReader

    def draw(canvas: Any) -> None:
        write_lines(canvas, LINES * 6)
        canvas.drawImage(ImageReader(picture("ACME")), 450, 740, 100, 25)

    assert layer_of(placed(tmp_path, drawn_pdf(draw))).distrust is None


def test_page_larger_than_allowed_is_refused_before_it_is_rendered(tmp_path: Path) -> None:
    path = placed(tmp_path, drawn_pdf(write_lines, size=(14_400, 14_400)))
    with pytest.raises(TooManyPixels) as caught:
        read_document(path)
    assert caught.value.page == 1
    assert caught.value.limit == Budget().max_pixels
    assert caught.value.actual == 10_000**2  # two hundred inches at fifty dots


def test_photo_put_on_a_page_of_a_point_per_pixel_is_rendered_smaller(tmp_path: Path) -> None:
    with opened(
        placed(tmp_path, drawn_pdf(write_lines, size=(3000, 4000))), MediaType.PDF, Budget()
    ) as source:
        assert source.size(1).height == 3300


def test_a_page_with_more_text_than_a_page_has_is_refused(tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf(pages=2))
    with pytest.raises(TooMuchText) as refused:
        read_document(path, budget=Budget(max_page_characters=20))
    assert (refused.value.page, refused.value.limit) == (1, 20)
    assert refused.value.actual is not None
    assert refused.value.actual > 20


def test_pages_with_too_many_words_together_are_refused(tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf(pages=3))
    words = len(read_document(path, pages="1").pages[0].words)
    assert len(read_document(path, budget=Budget(max_words=3 * words)).pages) == 3
    with pytest.raises(TooMuchText) as refused:
        read_document(path, budget=Budget(max_words=2 * words))
    assert (refused.value.limit, refused.value.actual) == (2 * words, 3 * words)
