"""Documents read by worker processes: off the event loop, each for itself, within limits."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from medley.pages import Page, Reading
from medley.reading.budget import Budget
from medley.reading.document import Outline, check_words, failed, put_together
from medley.reading.errors import CorruptDocument, from_json
from medley.reading.messages import (
    Message,
    budget_to_json,
    outline_from_json,
    page_from_json,
    wanted_to_json,
)
from medley.reading.page_reading import Wanted
from medley.reading.worker_process import WorkerProcess

Progress = Callable[[int, int], object]
"""Called with how many pages are done and how many there are to do."""
_MOST_BY_DEFAULT = 4


class Readers:
    """Worker processes that read documents; use it as an async context manager.

    They start when first needed, end with this process, and are replaced when a document crashes
    one or takes too long. The pages of one document are spread over them; documents take turns.
    """

    def __init__(self, workers: int | None = None, *, budget: Budget | None = None) -> None:
        """Prepare; nothing is started yet.

        Args:
            workers: How many processes; half of the cores and at most four when None. Each uses
                one core, and up to a gigabyte while it recognizes text.
            budget: What each document may cost; the usual when None.
        """
        self.budget = budget or Budget()
        self.workers = workers or max(1, min((os.cpu_count() or 2) // 2, _MOST_BY_DEFAULT))
        self._free = asyncio.Semaphore(self.workers)
        self._idle: list[WorkerProcess] = []
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the workers. What is being read must be over, or cancelled, before."""
        while self._idle:
            self._end(self._idle.pop())
        while self._ending:
            await asyncio.wait(self._ending)

    async def read(
        self,
        path: Path,
        *,
        pages: str | None = None,
        wanted: Wanted | None = None,
        progress: Progress | None = None,
    ) -> Reading:
        """Read a document. Cancelling this ends the work on it at once.

        Args:
            path: The file, which must stay until this returns; its name does not matter.
            pages: Like ``1-3,5``; all when None. The others are told as skipped.
            wanted: What to give besides words.
            progress: Is told of every page that is done.

        Raises:
            DocumentError: It is no document that can be read, or over a limit.
            OSError: The file cannot be opened.
        """
        with path.open("rb"):
            pass  # a file that is not there is nothing a worker should have to tell
        outline = await self._outline(path, pages)
        read: dict[int, Page] = {}
        left = iter(outline.asked)

        async def take_pages() -> None:
            for number in left:
                read[number] = await self._page(path, outline, number, wanted or Wanted())
                check_words(read, self.budget)
                if progress is not None:
                    progress(len(read), len(outline.asked))

        await _together([take_pages() for _ in range(min(self.workers, len(outline.asked)))])
        return put_together(outline, read)

    async def _outline(self, path: Path, pages: str | None) -> Outline:
        answer, _ = await self._ask({"path": str(path.absolute()), "number": None, "pages": pages})
        return outline_from_json(answer["outline"])

    async def _page(self, path: Path, outline: Outline, number: int, wanted: Wanted) -> Page:
        message = {
            "path": str(path.absolute()),
            "number": number,
            "media_type": outline.media_type,
            "wanted": wanted_to_json(wanted),
        }
        try:
            answer, image = await self._ask(message)
        except CorruptDocument as error:
            return failed(number, str(error))
        return page_from_json(answer["page"], image)

    async def _ask(self, message: dict[str, Any]) -> tuple[Message, bytes]:
        async with self._worker() as worker:
            answer, blob = await worker.ask(
                {**message, "budget": budget_to_json(self.budget)}, within_s=self.budget.page_s
            )
        if "missing" in answer:
            raise ModuleNotFoundError(
                f"reading documents needs {answer['missing']}: install medley[reading]",
                name=answer["missing"],
            )
        if "error" in answer:
            raise from_json(answer["error"])
        return answer, blob

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[WorkerProcess]:
        async with self._free:
            worker = self._waiting() or await WorkerProcess.start(self.budget.worker_bytes)
            try:
                yield worker
            finally:
                if worker.is_well:
                    self._idle.append(worker)
                else:
                    self._end(worker)

    def _waiting(self) -> WorkerProcess | None:
        """A worker that has been used before: its models are loaded."""
        while self._idle:
            worker = self._idle.pop()
            if worker.is_well:
                return worker
            self._end(worker)
        return None

    def _end(self, worker: WorkerProcess) -> None:
        task = asyncio.get_running_loop().create_task(worker.gone())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do it all at once; the first error ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in work:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
