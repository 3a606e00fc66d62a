"""How long reading takes per page: by text layer and by OCR, with one worker and with two.

python -m tests.bench.reading_speed --pages 10
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from medley.reading import Budget, MediaType, Readers, read_document
from medley.reading.document import opened
from medley.reading.ink import is_blank
from medley.reading.recognition import read, spots
from medley.records import DocumentType
from medley_training.documents.document import documents
from medley_training.documents.files import write_document

Result = TypeVar("Result")


def make(folder: Path, pages: int) -> tuple[list[Path], Path]:
    """PDF files of generated documents, and one TIFF of as many scanned pages."""
    from PIL import Image

    written: list[Path] = []
    kinds = tuple(DocumentType)
    for document in documents(1, count=-(-pages // 5), document_types=kinds, length="full"):
        written.extend(write_document(document, folder, ("pdf", "png"), scan_seed=1))
    texts = [path for path in written if path.suffix == ".pdf"][:pages]
    first, *others = [Image.open(path) for path in written if path.suffix == ".png"][:pages]
    scans = folder / "scans.tiff"
    first.save(scans, save_all=True, append_images=others, compression="tiff_lzw")
    return texts, scans


class Stages:
    """Seconds of processor by stage: a busy machine changes them less than the wall clock."""

    def __init__(self) -> None:
        self._took_s: dict[str, list[float]] = {}

    def time(self, stage: str, call: Callable[[], Result]) -> Result:
        begin = time.process_time()
        result = call()
        self._took_s.setdefault(stage, []).append(time.process_time() - begin)
        return result

    def report(self) -> None:
        for stage, took_s in self._took_s.items():
            took_s.sort()
            p95 = took_s[int(len(took_s) * 0.95)]
            print(f"{stage:<34} p50 {statistics.median(took_s):7.3f} s   p95 {p95:7.3f} s of CPU")


def in_this_process(texts: list[Path], scans: Path, pages: int) -> None:
    """Where the time goes."""
    stages = Stages()
    read_document(scans, pages="1")  # loads the models
    for path in texts:
        stages.time("text layer: whole page", partial(read_document, path))
    with opened(scans, MediaType.TIFF, Budget()) as source:
        for number in range(1, pages + 1):
            image = stages.time("OCR: decoding", partial(source.image, number))
            stages.time("OCR: is it blank?", partial(is_blank, image))
            found = stages.time("OCR: finding lines", partial(spots, image))
            stages.time("OCR: reading lines", partial(read, found.quads, found.crops))
    for number in range(1, pages + 1):
        one = partial(read_document, scans, pages=str(number))
        stages.time("OCR: whole page", one)
    stages.report()


async def by_workers(texts: list[Path], scans: Path, pages: int, workers: int) -> None:
    """Seconds of wall clock, with models loaded."""
    async with Readers(workers) as readers:
        await asyncio.gather(*(readers.read(scans, pages="1") for _ in range(workers)))
        begin = time.perf_counter()
        await readers.read(scans)
        per_page_s = (time.perf_counter() - begin) / pages
        print(f"{f'OCR, {workers} worker(s)':<34} {per_page_s:11.3f} s per page")
        begin = time.perf_counter()
        await asyncio.gather(*(readers.read(path) for path in texts))
        per_page_s = (time.perf_counter() - begin) / pages
        print(f"{f'text layer, {workers} worker(s)':<34} {per_page_s:11.3f} s per page")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=10)
    pages = parser.parse_args().pages
    with tempfile.TemporaryDirectory() as name:
        texts, scans = make(Path(name), pages)
        in_this_process(texts, scans, pages)
        for workers in (1, 2):
            asyncio.run(by_workers(texts, scans, pages, workers))
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
