"""Documents as files: text, PDF and page images, each beside its truth."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Literal

from medley_training.documents.document import Document
from medley_training.documents.images import (
    DPI,
    Scan,
    as_png,
    draw_scan,
    page_images,
    scanned,
    turned_places,
)
from medley_training.documents.layout import laid_out
from medley_training.documents.page import PageLayout, Place, places
from medley_training.documents.pdf import as_pdf
from medley_training.documents.variation import style_of

Format = Literal["text", "pdf", "png"]
_DECIMALS = 6


def write_document(
    document: Document,
    folder: Path,
    formats: Sequence[Format],
    *,
    scan_seed: int | None = None,
    dpi: int = DPI,
) -> list[Path]:
    """Write a document and its truth, NAME.json, into a folder that is there.

    Pages come with NAME.boxes.json: for each printed value its path in the truth, its text, and the
    page and box of each line that it takes (left, top, right, bottom, as shares of the page).

    Args:
        document: What to write; the same document gives the same bytes.
        folder: Where; files of the same names are replaced.
        formats: ``text``: NAME.txt; ``pdf``: NAME.pdf; ``png``: NAME-1.png and so on.
        scan_seed: Make the images look scanned: grey, grainy and askew. Their boxes, turned with
            the paper, are in NAME.scan.boxes.json.
        dpi: The resolution of the images.

    Returns:
        The files, in the order in which they were written.
    """
    written = [_text(folder / f"{document.name}.json", document.truth.to_json())]
    if "text" in formats:
        written.append(_text(folder / f"{document.name}.txt", document.text))
    if "pdf" in formats or "png" in formats:
        written.extend(_write_pages(document, folder, formats, scan_seed, dpi))
    return written


def _write_pages(
    document: Document, folder: Path, formats: Sequence[Format], scan_seed: int | None, dpi: int
) -> Iterator[Path]:
    pages = laid_out(document.blocks, style_of(document.style))
    found = places(pages)
    pdf = as_pdf(pages, title=document.name)
    if "pdf" in formats or scan_seed is None:
        yield _text(folder / f"{document.name}.boxes.json", _boxes(pages, found))
    if "pdf" in formats:
        path = folder / f"{document.name}.pdf"
        path.write_bytes(pdf)
        yield path
    if "png" not in formats:
        return
    scan = None
    if scan_seed is not None:
        scan = draw_scan(Random(f"{scan_seed} {document.name}"))  # noqa: S311 - no secret
        turned = turned_places(found, pages, scan)
        yield _text(folder / f"{document.name}.scan.boxes.json", _boxes(pages, turned))
    yield from _write_images(document.name, pdf, folder, scan, dpi)


def _write_images(
    name: str, pdf: bytes, folder: Path, scan: Scan | None, dpi: int
) -> Iterator[Path]:
    for number, image in enumerate(page_images(pdf, dpi=dpi), 1):
        seen = scanned(image, scan, seed=number) if scan else image
        path = folder / f"{name}-{number}.png"
        path.write_bytes(as_png(seen))
        yield path


def _boxes(pages: Sequence[PageLayout], found: Sequence[Place]) -> str:
    return json.dumps(
        {
            "pages": [{"width": page.width, "height": page.height} for page in pages],
            "places": [
                {
                    "path": place.path,
                    "text": place.text,
                    "boxes": [
                        {"page": number, "box": [round(share, _DECIMALS) for share in box]}
                        for number, box in place.boxes
                    ],
                }
                for place in found
            ],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _text(path: Path, text: str) -> Path:
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return path
