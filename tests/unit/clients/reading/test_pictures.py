"""Pictures of every mode, orientation and number of frames."""

from pathlib import Path
from typing import Any

import pytest
from medley.reading import (
    Budget,
    CorruptDocument,
    ImageTooSmall,
    MediaType,
    TooManyPages,
    TooManyPixels,
    read_document,
)
from medley.reading.document import opened, outlined
from medley.reading.toning import on_white

from tests.fuzz.document_files import chunk, huge_jpeg, png_header, tiff
from tests.unit.clients.reading.specimens import picture, placed, saved


def image_of(path: Path, kind: MediaType, number: int = 1) -> Any:
    with opened(path, kind, Budget()) as source:
        image = source.image(number)
        size = source.size(number)
    assert image.size == (size.width, size.height)
    return image


def test_every_mode_becomes_grey_or_colour_on_white() -> None:
    plain = picture()
    for mode in ("1", "L", "P", "LA", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "I", "I;16", "F"):
        source = plain.convert("L").convert(mode) if mode == "I;16" else plain.convert(mode)
        shown = on_white(source)
        assert shown.mode in ("L", "RGB"), mode
        assert shown.convert("L").getpixel((0, 0)) == 255, mode
        assert shown.convert("L").getextrema()[0] < 10, mode


def test_what_is_clear_shows_white_paper() -> None:
    from PIL import Image

    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert on_white(clear).getpixel((5, 5)) == (255, 255, 255)


def test_sixteen_bits_are_stretched() -> None:
    from PIL import Image

    deep = Image.new("I;16", (40, 40), 4095)  # twelve bits of an X-ray detector
    deep.putpixel((3, 3), 0)
    shown = on_white(deep)
    assert (shown.getpixel((0, 0)), shown.getpixel((3, 3))) == (255, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_that_of_any_viewer(orientation: int, kind: str, tmp_path: Path) -> None:
    from PIL import Image, ImageOps

    marked = Image.new("RGB", (80, 48), "white")
    marked.paste((0, 0, 0), (0, 0, 40, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(marked, kind, exif=exif)
    path = placed(tmp_path, data)
    with Image.open(path) as image:
        expected = ImageOps.exif_transpose(image).convert("L")
    shown = image_of(path, MediaType[kind]).convert("L")
    assert shown.size == expected.size
    for corner in ((4, 4), (-5, 4), (4, -5), (-5, -5)):
        at = tuple(c % side for c, side in zip(corner, shown.size, strict=True))
        assert abs(shown.getpixel(at) - expected.getpixel(at)) < 40


def test_every_frame_of_a_tiff_is_a_page(tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new(mode, (60, 40 + n), "white") for n, mode in enumerate(("1", "L", "RGB"))]
    data = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    reading = read_document(placed(tmp_path, data))
    assert [page.height for page in reading.pages] == [40, 41, 42]
    assert {page.status for page in reading.pages} == {"blank"}


def test_fax_of_uneven_dots_gets_its_shape_back(tmp_path: Path) -> None:
    from PIL import Image

    fax = Image.new("1", (1728, 1100), 1)
    path = placed(tmp_path, saved(fax, "TIFF", compression="group4", dpi=(204, 98)))
    width, height = image_of(path, MediaType.TIFF).size
    assert width == 1728
    assert height == pytest.approx(1100 * 204 / 98, abs=2)


def test_resolution_is_told_where_it_makes_sense(tmp_path: Path) -> None:
    from PIL import Image

    paper = Image.new("L", (60, 60), "white")
    for dpi, told in (((300, 300), 300), ((1, 1), None), ((72_000_000, 1), None)):
        page = read_document(placed(tmp_path, saved(paper, "TIFF", dpi=dpi))).pages[0]
        assert page.dpi == told


def test_of_an_animation_the_first_frame_is_the_page(tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (60, 60), colour) for colour in ("white", "black", "red")]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    path = placed(tmp_path, data)
    assert len(read_document(path).pages) == 1
    assert image_of(path, MediaType.WEBP).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "header",
    [
        png_header(60_000, 60_000) + chunk(b"IDAT", b""),
        huge_jpeg(),
        tiff([(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 8),
              (262, 3, 1, 1), (273, 4, 1, 8), (278, 4, 1, 60_000), (279, 4, 1, 9)]),
    ],
)  # fmt: skip
def test_huge_picture_is_refused_by_its_header(header: bytes, tmp_path: Path) -> None:
    with pytest.raises(TooManyPixels) as caught:
        read_document(placed(tmp_path, header))
    assert caught.value.limit == 50_000_000
    assert caught.value.actual is not None
    assert caught.value.actual > 3_000_000_000


def test_pixels_of_all_pages_are_counted_together(tmp_path: Path) -> None:
    frames = [picture(size=(100, 100))] * 5
    path = placed(tmp_path, saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    budget = Budget(max_total_pixels=30_000)
    with pytest.raises(TooManyPixels) as caught:
        outlined(path, None, budget)
    assert (caught.value.limit, caught.value.actual) == (30_000, 50_000)
    assert outlined(path, "1-3", budget).asked == (1, 2, 3)


def test_pages_are_counted_no_further_than_needed(tmp_path: Path) -> None:
    frames = [picture(size=(40, 40))] * 30
    path = placed(tmp_path, saved(frames[0], "TIFF", save_all=True, append_images=frames[1:]))
    with pytest.raises(TooManyPages) as caught:
        outlined(path, "1", Budget(max_file_pages=10))
    assert caught.value.actual == 11
    with pytest.raises(TooManyPages) as caught:
        outlined(path, None, Budget(max_pages=10))
    assert (caught.value.limit, caught.value.actual) == (10, 30)


def test_tiny_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageTooSmall) as caught:
        read_document(placed(tmp_path, saved(picture(size=(500, 20)), "PNG")))
    assert (caught.value.limit, caught.value.actual, caught.value.page) == (32, 20, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_picture_cut_short_is_corrupt(kind: str, tmp_path: Path) -> None:
    data = saved(picture(), kind)
    for share in (0.02, 0.5):
        with pytest.raises(CorruptDocument):
            read_document(placed(tmp_path, data[: max(int(len(data) * share), 16)]))


def test_damaged_frame_fails_alone(tmp_path: Path) -> None:
    from PIL import Image

    blank = Image.new("L", (64, 64), 255)
    noise = Image.effect_noise((64, 64), 40)
    data = saved(
        blank, "TIFF", save_all=True, append_images=[noise, blank], compression="tiff_adobe_deflate"
    )
    with Image.open(placed(tmp_path, data)) as image:
        image.seek(1)
        (at,), (size,) = image.tag_v2[273], image.tag_v2[279]  # where its strip is
    reading = read_document(placed(tmp_path, data[:at] + bytes(size) + data[at + size :]))
    assert [page.status for page in reading.pages] == ["blank", "failed", "blank"]
    assert "damaged" in (reading.pages[1].detail or "")
