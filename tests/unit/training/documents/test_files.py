import json
import math
from pathlib import Path

import pytest
from medley.records import DocumentType, MedicalRecord
from medley_training.documents.document import Document, generate
from medley_training.documents.files import Format, write_document
from medley_training.documents.images import Scan, scanned, turned_places
from medley_training.documents.page import PageLayout, Place
from PIL import Image

ALL: tuple[Format, ...] = ("text", "pdf", "png")
DARK = 128


def _document() -> Document:
    return generate(4, document_type=DocumentType.LAB_PANEL, style="harbor")


def _written(folder: Path, *, scan_seed: int | None = None) -> dict[str, bytes]:
    folder.mkdir()
    files = write_document(_document(), folder, ALL, scan_seed=scan_seed, dpi=72)
    assert sorted(files) == sorted(folder.iterdir())
    return {file.name: file.read_bytes() for file in files}


def test_a_document_becomes_its_truth_text_pdf_boxes_and_images(tmp_path: Path) -> None:
    document = _document()
    written = _written(tmp_path / "a")

    name = document.name
    assert list(written) == [
        f"{name}{end}" for end in (".json", ".txt", ".boxes.json", ".pdf", "-1.png")
    ]
    assert MedicalRecord.from_json(written[f"{name}.json"]) == document.truth
    assert written[f"{name}.txt"].decode() == document.text + "\n"


@pytest.mark.parametrize("scan_seed", [None, 3])
def test_the_same_document_is_the_same_bytes(tmp_path: Path, scan_seed: int | None) -> None:
    first, second = (_written(tmp_path / name, scan_seed=scan_seed) for name in "ab")

    assert first == second


@pytest.mark.parametrize("scan_seed", [None, 3, 4])
def test_there_is_ink_in_every_box(tmp_path: Path, scan_seed: int | None) -> None:
    _written(tmp_path / "a", scan_seed=scan_seed)
    name = _document().name
    end = "boxes.json" if scan_seed is None else "scan.boxes.json"
    found = json.loads((tmp_path / "a" / f"{name}.{end}").read_text(encoding="utf-8"))
    image = Image.open(tmp_path / "a" / f"{name}-1.png").convert("L")

    for place in found["places"]:
        for where in place["boxes"]:
            left, top, right, bottom = (
                share * side for share, side in zip(where["box"], image.size * 2, strict=True)
            )
            darkest, _ = image.crop(
                (int(left), int(top), math.ceil(right), math.ceil(bottom))
            ).getextrema()
            assert darkest < DARK, place


def test_a_scan_is_grey_and_its_boxes_are_turned(tmp_path: Path) -> None:
    written = _written(tmp_path / "a", scan_seed=3)
    name = _document().name

    with Image.open(tmp_path / "a" / f"{name}-1.png") as image:
        assert image.mode == "L"
    assert written[f"{name}.scan.boxes.json"] != written[f"{name}.boxes.json"]


@pytest.mark.parametrize("angle", [-6.0, 1.5, 8.0])
def test_a_box_turns_with_the_paper(angle: float) -> None:
    page = PageLayout(600.0, 800.0)
    paper = Image.new("L", (600, 800), 255)
    paper.paste(0, (450, 100, 550, 130))
    place = Place("x", "x", ((1, (450 / 600, 100 / 800, 550 / 600, 130 / 800)),))
    scan = Scan(angle=angle, noise=0.0, paper=255)

    seen = scanned(paper, scan, seed=0)
    (turned,) = turned_places([place], [page], scan)

    inked = seen.point(lambda level: 255 if level < DARK else 0).getbbox()
    ((_, box),) = turned.boxes
    assert inked is not None
    for share, side, edge in zip(box, (600, 800) * 2, inked, strict=True):
        assert share * side == pytest.approx(edge, abs=1.5)
