"""Documents as files: text, PDF and page images, each beside its truth."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from medley_training.documents.document import Document
from medley_training.documents.images import as_png
from medley_training.documents.layout import laid_out
from medley_training.documents.noise import Noise, noisy_images, noisy_places
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
    noise: Noise = "scan",
    dpi: int | None = None,
) -> list[Path]:
    """Write a document and its truth, NAME.json, into a folder that is there.

    Pages come with NAME.boxes.json: for each printed value its path in the truth, its text, and the
    page and box of each line that it takes (left, top, right, bottom, as shares of the page).

    Args:
        document: What to write; the same document gives the same bytes.
        folder: Where; files of the same names are replaced.
        formats: ``text``: NAME.txt; ``pdf``: NAME.pdf; ``png``: NAME-1.png and so on.
        scan_seed: Make the images look scanned, faxed or photographed. Their boxes, moved with the
            paper, are in NAME.scan.boxes.json.
        noise: Which of these, where there is a seed.
        dpi: The resolution at which pages are drawn; None for what is usual.

    Returns:
        The files, in the order in which they were written.
    """
    written = [_text(folder / f"{document.name}.json", document.truth.to_json())]
    if "text" in formats:
        written.append(_text(folder / f"{document.name}.txt", document.text))
    if "pdf" in formats or "png" in formats:
        level: Noise = "clean" if scan_seed is None else noise
        pages = _write_pages(document, folder, formats, noise=level, scan_seed=scan_seed, dpi=dpi)
        written.extend(pages)
    return written


def _write_pages(
    document: Document,
    folder: Path,
    formats: Sequence[Format],
    *,
    noise: Noise,
    scan_seed: int | None,
    dpi: int | None,
) -> Iterator[Path]:
    pages = laid_out(document.blocks, style_of(document.style))
    found = places(pages)
    pdf = as_pdf(pages, title=document.name)
    if "pdf" in formats or noise == "clean":
        yield _text(folder / f"{document.name}.boxes.json", _boxes(pages, found))
    if "pdf" in formats:
        path = folder / f"{document.name}.pdf"
        path.write_bytes(pdf)
        yield path
    if "png" not in formats:
        return
    seed = f"{scan_seed} {document.name}"
    if noise != "clean":
        moved = noisy_places(found, pages, noise, seed=seed)
        yield _text(folder / f"{document.name}.scan.boxes.json", _boxes(pages, moved))
    for number, image in enumerate(noisy_images(pdf, noise, seed=seed, dpi=dpi), 1):
        path = folder / f"{document.name}-{number}.png"
        path.write_bytes(as_png(image))
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
