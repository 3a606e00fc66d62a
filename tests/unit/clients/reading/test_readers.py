"""Documents read by processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from medley.pages import PageStatus
from medley.reading import (
    Budget,
    CorruptDocument,
    InvalidPages,
    Readers,
    TooManyPixels,
    TooMuchText,
    UnsupportedMedia,
    Wanted,
    read_document,
)

from tests.fuzz.document_files import chunk, png_header
from tests.unit.clients.reading.specimens import (
    drawn_pdf,
    picture,
    placed,
    saved,
    text_pdf,
)

MIB = 1 << 20


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(2) as both:
        yield both


def workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "medley.reading.worker" in child.cmdline():
                found.append(child)
    return found


@pytest.fixture
def slow_document(tmp_path: Path) -> Path:
    """A picture that takes seconds to read."""
    sheet = picture(size=(2000, 2000))
    for line in range(38):
        sheet.paste(picture(f"Potassium 5.{line} mmol/L " * 3, size=(2000, 50)), (0, 50 * line))
    path = tmp_path / "slow"
    path.write_bytes(saved(sheet, "PNG"))
    return path


async def test_workers_read_what_is_read_in_this_process(readers: Readers, tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf(pages=3))
    wanted = Wanted(images=True)
    assert await readers.read(path, pages="1,3", wanted=wanted) == read_document(
        path, pages="1,3", wanted=wanted
    )


async def test_progress_is_told_page_by_page(readers: Readers, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await readers.read(
        placed(tmp_path, text_pdf(pages=4)),
        pages="2-",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_nothing_is_started_before_there_is_work(tmp_path: Path) -> None:
    async with Readers(2) as readers:
        assert not workers()
        await readers.read(placed(tmp_path, text_pdf()))
        assert len(workers()) == 1
    assert not workers()


async def test_refusals_come_back_whole(readers: Readers, tmp_path: Path) -> None:
    huge = png_header(9_000, 9_000) + chunk(b"IDAT", b"")
    with pytest.raises(TooManyPixels) as caught:
        await readers.read(placed(tmp_path, huge))
    assert (caught.value.limit, caught.value.actual, caught.value.page) == (
        50_000_000,
        81_000_000,
        1,
    )
    with pytest.raises(UnsupportedMedia):
        await readers.read(placed(tmp_path, b"hello"))
    with pytest.raises(InvalidPages):
        await readers.read(placed(tmp_path, text_pdf()), pages="2")
    with pytest.raises(FileNotFoundError):
        await readers.read(tmp_path / "nowhere")
    assert len(workers()) == 1  # a refusal costs no worker


async def test_crash_is_that_documents_and_nobody_elses(
    readers: Readers, slow_document: Path, tmp_path: Path
) -> None:
    bad = asyncio.create_task(readers.read(slow_document))
    while not (running := workers()):
        await asyncio.sleep(0.01)
    good = asyncio.create_task(readers.read(placed(tmp_path, text_pdf(pages=2))))
    running[0].send_signal(signal.SIGSEGV)
    with pytest.raises(CorruptDocument, match="SIGSEGV"):
        await bad
    assert [page.status for page in (await good).pages] == [PageStatus.READ] * 2


async def test_page_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf())
    async with Readers(1) as readers:
        await readers.read(path)
        (worker,) = workers()
        worker.suspend()
        readers.budget = Budget(page_s=0.25)
        with pytest.raises(CorruptDocument, match=r"longer than 0\.25 s"):
            await readers.read(path)
        readers.budget = Budget()
        assert (await readers.read(path)).pages[0].status is PageStatus.READ


async def test_memory_is_limited(tmp_path: Path) -> None:
    async with Readers(1, budget=Budget(worker_bytes=250 * MIB)) as readers:
        sheet = saved(picture(size=(7_000, 7_000)), "PNG")
        with pytest.raises(CorruptDocument):
            await readers.read(placed(tmp_path, sheet))
        reading = await readers.read(placed(tmp_path, text_pdf()))
        assert reading.pages[0].status is PageStatus.READ


async def test_cancelling_frees_the_worker(slow_document: Path, tmp_path: Path) -> None:
    async with Readers(1) as readers:
        task = asyncio.create_task(readers.read(slow_document))
        while not workers():
            await asyncio.sleep(0.01)
        (worker,) = workers()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        reading = await readers.read(placed(tmp_path, text_pdf()))
        assert reading.pages[0].status is PageStatus.READ
        assert worker.pid not in [other.pid for other in workers()]


async def test_many_documents_at_once_are_all_read(readers: Readers, tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf(pages=3))
    readings = await asyncio.gather(*(readers.read(path) for _ in range(12)))
    assert {len(reading.pages) for reading in readings} == {3}
    assert len(workers()) == 2


async def test_worker_that_died_while_idle_is_replaced(readers: Readers, tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf())
    await readers.read(path)
    (worker,) = workers()
    worker.kill()
    while workers():
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)  # for the event loop to be told
    assert (await readers.read(path)).pages[0].status is PageStatus.READ


@pytest.mark.slow
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = """if True:
        import asyncio, sys
        from pathlib import Path
        from medley.reading import Readers

        async def main():
            async with Readers(1) as readers:
                await readers.read(Path(sys.argv[1]))
                print("read", flush=True)
                await asyncio.sleep(60)

        asyncio.run(main())"""
    path = placed(tmp_path, text_pdf())
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "read\n"
        (worker,) = psutil.Process(parent.pid).children()
        os.kill(parent.pid, signal.SIGKILL)
    for _ in range(200):
        if not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail("the worker lives on")


@pytest.mark.slow
async def test_a_million_words_on_a_page_are_an_error_and_the_worker_lives(tmp_path: Path) -> None:
    def draw(canvas: Any) -> None:
        canvas.setFont("Helvetica", 1)
        text = canvas.beginText(10, 780)
        for _ in range(1_000):
            text.textLine("word " * 1_000)
        canvas.drawText(text)

    path = placed(tmp_path, drawn_pdf(draw))
    async with Readers(1) as readers:
        with pytest.raises(TooMuchText) as refused:
            await readers.read(path)
        (worker,) = workers()
        await readers.read(placed(tmp_path, text_pdf()))
        assert workers() == [worker]
    assert refused.value.actual is not None
    assert refused.value.actual > 4_000_000


async def test_words_of_all_pages_together_are_bounded(tmp_path: Path) -> None:
    path = placed(tmp_path, text_pdf(pages=3))
    async with Readers(1, budget=Budget(max_words=1)) as readers:
        with pytest.raises(TooMuchText):
            await readers.read(path)
