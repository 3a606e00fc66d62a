"""What a document may cost."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits, all checked before the work that they forbid.

    Attributes:
        max_bytes: Of the file.
        max_unpacked_bytes: Of any one stream inside a PDF.
        max_pages: Read at once.
        max_file_pages: In the file, read or not.
        max_pixels: Of a page: as stored, or a PDF's page as it would be rendered.
        max_total_pixels: Of all pages read.
        max_page_characters: In the text layer of a page.
        max_words: On all pages read; checked with each page that is done.
        min_side: The shorter side of a picture, in pixels.
        page_s: After so long the worker on a page is ended, and the page has failed.
        worker_bytes: Memory of one worker.
    """

    max_bytes: int = 50 * MIB
    max_unpacked_bytes: int = 256 * MIB
    max_pages: int = 100
    max_file_pages: int = 5_000
    max_pixels: int = 50_000_000
    max_total_pixels: int = 1_000_000_000
    max_page_characters: int = 100_000
    max_words: int = 300_000
    min_side: int = 32
    page_s: float = 30.0
    worker_bytes: int = 2048 * MIB
