from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import typer
from medley.records import DocumentType
from medley_training.commands.documents import documents
from medley_training.documents.document import generate
from medley_training.documents.fax import draw_fax, faxed
from medley_training.documents.layout import laid_out
from medley_training.documents.noise import Noise, noisy_images, noisy_places
from medley_training.documents.page import PageLayout, places
from medley_training.documents.pdf import as_pdf
from medley_training.documents.phone import draw_shot, photographed
from medley_training.documents.variation import style_of
from medley_training.documents.warp import Warp
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

DPI = 72
STAIN = (450, 100, 550, 130)
PAPER = (600, 800)


@pytest.fixture(scope="module")
def pages() -> Sequence[PageLayout]:
    document = generate(4, document_type=DocumentType.LAB_PANEL, style="nordhafen")
    return laid_out(document.blocks, style_of(document.style))


@pytest.fixture(scope="module")
def pdf(pages: Sequence[PageLayout]) -> bytes:
    return as_pdf(pages, title="a page")


def _first(pdf: bytes, noise: Noise, seed: str) -> Image.Image:
    return next(noisy_images(pdf, noise, seed=seed, dpi=DPI))


def _stained() -> Image.Image:
    paper = Image.new("L", PAPER, 255)
    paper.paste(0, STAIN)
    return paper


@pytest.mark.parametrize("noise", ["scan", "fax", "phone"])
def test_a_seed_is_a_picture(pdf: bytes, noise: Noise) -> None:
    first, again, other = (_first(pdf, noise, seed).tobytes() for seed in ("1", "1", "2"))

    assert first == again
    assert first != other


@pytest.mark.parametrize("noise", ["fax", "phone"])
@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_value_is_darker_than_the_paper_around_it(
    pages: Sequence[PageLayout], pdf: bytes, noise: Noise, seed: str
) -> None:
    found = places(pages)
    image = next(noisy_images(pdf, noise, seed=seed, dpi=110)).convert("L")
    grey = np.asarray(image, dtype=float)

    for place in noisy_places(found, pages, noise, seed=seed):
        ((number, box),) = place.boxes
        assert number == 1
        left, top, right, bottom = (
            round(share * side) for share, side in zip(box, image.size * 2, strict=True)
        )
        inside = grey[top:bottom, left:right]
        assert inside.min() < 0.75 * np.median(inside), place


def test_clean_pages_stay_as_they_are(pages: Sequence[PageLayout], pdf: bytes) -> None:
    found = places(pages)

    assert noisy_places(found, pages, "clean", seed="1") == found


@pytest.mark.parametrize("seed", range(4))
def test_a_box_goes_where_the_fax_shows_it(seed: int) -> None:
    fax = replace(draw_fax(Random(seed), 1), specks=0.0, lost_lines=0, streak=None)
    picture = faxed(_stained(), fax).convert("L")

    warp = fax.warp(PAPER[1] / PAPER[0])

    ink = 255 - np.asarray(picture)
    ink[: picture.height // 20] = 0  # the header line
    _assert_is_around(ink > 0, warp)


@pytest.mark.parametrize("seed", range(4))
def test_a_box_goes_where_the_photograph_shows_it(seed: int) -> None:
    shot = replace(
        draw_shot(Random(seed)), desk=(255, 255, 255), grain=0.0, quality=95, blur=0.1, shake=1
    )
    picture = np.asarray(photographed(_stained().convert("RGB"), shot).convert("L"))

    _assert_is_around(picture < 70, shot.warp)


def _assert_is_around(ink: NDArray[np.bool_], warp: Warp) -> None:
    height, width = ink.shape
    ys, xs = np.nonzero(ink)
    seen = (xs.min() / width, ys.min() / height, xs.max() / width, ys.max() / height)
    left, top, right, bottom = (edge / side for edge, side in zip(STAIN, PAPER * 2, strict=True))
    assert warp.box((left, top, right, bottom)) == pytest.approx(seen, abs=0.004)


def test_a_fax_is_black_and_white() -> None:
    assert faxed(_stained(), draw_fax(Random(1), 1)).mode == "1"


def test_in_standard_mode_every_line_comes_twice() -> None:
    fax = replace(draw_fax(Random(1), 1), lines_per_inch=98)
    lines = np.asarray(faxed(_stained(), fax))
    below = lines[2 * (lines.shape[0] // 20) :]

    assert (below[::2] == below[1::2]).all()


def test_a_page_is_all_in_its_photograph() -> None:
    for seed in range(500):
        corners = np.array(draw_shot(Random(seed)).warp.corners)
        assert (corners > 0).all()
        assert (corners < 1).all()


def test_a_page_that_fills_its_picture_stays_where_it_is() -> None:
    whole = Warp(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))

    assert whole.box((0.1, 0.2, 0.3, 0.4)) == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert whole.backwards((60, 80), (60, 80)) == pytest.approx((1, 0, 0, 0, 1, 0, 0, 0))


def test_the_command_writes_faxes_with_their_boxes(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(documents)
    wanted = ["--site", "brannock", "--type", "lab_panel", "--count", "1", "--length", "short"]
    out = ["--out", str(tmp_path), "--formats", "png"]

    result = CliRunner().invoke(app, [*out, *wanted, "--noise", "fax"])
    refused = CliRunner().invoke(app, [*out, *wanted, "--noise", "coffee"])

    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "brannock-lab_panel-short-00000-1.png") as image:
        assert image.mode == "1"
    assert (tmp_path / "brannock-lab_panel-short-00000.scan.boxes.json").exists()
    assert "there are clean, scan, fax, phone" in refused.stderr
