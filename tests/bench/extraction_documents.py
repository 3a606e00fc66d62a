"""Held-out documents as files: made up with seeds, layouts and words that no training has seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from medley.records import DocumentType
from medley_training.documents.case import Length
from medley_training.documents.document import Document, generate
from medley_training.documents.layout import laid_out
from medley_training.documents.noise import Noise, noisy_images, noisy_places
from medley_training.documents.page import PageLayout, Place, places
from medley_training.documents.pdf import as_pdf
from medley_training.documents.styles import STYLES
from medley_training.documents.variation import style_of
from medley_training.suites.document_set import HELD_OUT

if TYPE_CHECKING:
    from PIL.Image import Image

Level = Literal["pdf", "scan", "fax", "phone"]
"""``pdf`` has a text layer; the others are pictures."""
LEVELS: tuple[Level, ...] = ("pdf", "scan", "fax", "phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A document at one level of noise; at each level it is the same document."""

    document_type: DocumentType
    site: str
    number: int
    level: Level
    seed: int = 0
    length: Length = "full"

    @property
    def name(self) -> str:
        """Tells it from all others; usable as a file name."""
        return f"{self.document.name}-{self.seed}-{self.level}"

    @property
    def document(self) -> Document:
        """The document with its truth."""
        style = f"{self.site}~away{self.number}"
        return _document(self.document_type, style, self.number, self.seed, self.length)

    @property
    def num_pages(self) -> int:
        """How many pages it has."""
        return len(_pages(self.document))

    def places(self) -> tuple[Place, ...]:
        """Where its values stand in its pictures."""
        pages = _pages(self.document)
        return noisy_places(places(pages), pages, self._noise, seed=self.name)

    def file(self, folder: Path) -> Path:
        """Its file, drawn if it is not there yet: PDF, or TIFF with a picture for each page."""
        path = folder / f"{self.name}.{'pdf' if self.level == 'pdf' else 'tiff'}"
        if not path.exists():
            # Several arms may want it at once.
            unfinished = path.with_suffix(f".{uuid4().hex}.part")
            self._write(unfinished)
            unfinished.replace(path)
        return path

    @property
    def _noise(self) -> Noise:
        return "clean" if self.level == "pdf" else self.level

    def _write(self, path: Path) -> None:
        pdf = as_pdf(_pages(self.document), title=self.document.name)
        if self.level == "pdf":
            path.write_bytes(pdf)
            return
        images: list[Image] = [*noisy_images(pdf, self._noise, seed=self.name)]
        packed = "group4" if self.level == "fax" else "tiff_lzw"
        first, *others = images
        first.save(path, format="TIFF", compression=packed, save_all=True, append_images=others)


def cases(
    count: int,
    *,
    document_types: Sequence[DocumentType] = tuple(DocumentType),
    levels: Sequence[Level] = LEVELS,
    seed: int = 0,
    length: Length = "full",
) -> Iterator[Case]:
    """`count` documents of each type, the sites in turn, each at every level."""
    for number in range(count):
        for document_type in document_types:
            at = number + tuple(DocumentType).index(document_type)
            for level in levels:
                yield Case(
                    document_type=document_type,
                    site=STYLES[at % len(STYLES)],
                    number=number,
                    level=level,
                    seed=seed,
                    length=length,
                )


@lru_cache(maxsize=64)
def _document(
    document_type: DocumentType, style: str, number: int, seed: int, length: Length
) -> Document:
    return generate(
        HELD_OUT + seed, document_type=document_type, style=style, number=number, length=length
    )


def _pages(document: Document) -> list[PageLayout]:
    return laid_out(document.blocks, style_of(document.style))
