"""The work on jobs: each in its turn, each to an end that is kept before anybody is told."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

from medley.results import JobStatus

from medley_server.document_errors import JobCancelled, StorageAway, of_server
from medley_server.errors import ServerError
from medley_server.extraction.errors import DeadlineExceeded, EngineError, EngineUnavailable
from medley_server.extraction.port import Extractor
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs.job_files import JobFiles
from medley_server.jobs.job_row import JobRow
from medley_server.jobs.outcome import Outcome
from medley_server.jobs.store import JobStore
from medley_server.jobs.turns import Place, Turns
from medley_server.jobs.work import Work

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 2
"""How often a job is begun; what was running at two stops of the server may be their cause."""

Ended = Callable[[Work, JobRow | None], Awaitable[None]]
"""Told of every job that is over, with its row if it has one."""


class Shift:
    """Does jobs and sees them to their end."""

    def __init__(
        self,
        store: JobStore,
        files: JobFiles,
        extractor: Extractor,
        turns: Turns,
        settings: ExtractionSettings,
        *,
        clock: Callable[[], float],
        ended: Ended,
    ) -> None:
        """Nothing runs yet."""
        self._store = store
        self._files = files
        self._extractor = extractor
        self._turns = turns
        self._settings = settings
        self._clock = clock
        self._ended = ended
        self._doing: set[asyncio.Task[bytes]] = set()
        self._seeing: set[asyncio.Task[None]] = set()
        self._is_closing = False

    def start(self, work: Work, place: Place) -> None:
        """Begins a job, or puts it in the line."""
        work.place = place
        work.task = asyncio.create_task(self._work(work, place))
        self._doing.add(work.task)
        work.task.add_done_callback(self._doing.discard)
        seeing = asyncio.create_task(self._see_to(work, work.task, place))
        self._seeing.add(seeing)
        seeing.add_done_callback(self._seeing.discard)
        if self._is_closing:
            work.task.cancel()

    def take_over(self, work: Work) -> None:
        """Begins a job that an earlier server had promised, once more but not for ever."""
        self.start(work, self._turns.enter(is_owed=True))

    async def close(self) -> None:
        """Stops every job; those that were promised stay in the store as they are."""
        self._is_closing = True
        while self._seeing:
            for task in tuple(self._doing):
                task.cancel()
            await asyncio.wait(self._seeing, timeout=1)

    async def _work(self, work: Work, place: Place) -> bytes:
        if work.attempts >= MOST_ATTEMPTS:
            raise EngineError("The server stopped twice while it worked on this document.")
        async with place.turn():
            work.status = JobStatus.RUNNING
            work.attempts += 1
            if work.is_stored:
                await self._store.put(work.row())
            document = self._files.document(work.id)
            if not await asyncio.to_thread(document.is_file):
                raise StorageAway("The document is gone from the server's disk.")
            limit = asyncio.timeout(self._settings.longest_s)
            try:
                async with limit:
                    extraction = await self._extractor.extract(
                        document,
                        work.options,
                        request_id=work.request_id,
                        caller=work.caller,
                        progress=work.progress,
                    )
            except TimeoutError:
                if not limit.expired():
                    raise
                raise DeadlineExceeded(
                    f"The document took longer than {self._settings.longest_s:g} s."
                ) from None
        usage = extraction.usage.model_copy(update={"queue_ms": round(place.waited_s * 1e3, 3)})
        told = extraction.model_copy(update={"usage": usage})
        return await asyncio.to_thread(lambda: told.model_dump_json().encode())

    async def _see_to(self, work: Work, task: "asyncio.Task[bytes]", place: Place) -> None:
        await asyncio.wait({task})
        place.leave()
        outcome = self._outcome(work, task)
        work.expires_at = self._clock() + self._settings.results_kept_s
        row = None
        if self._is_closing and task.cancelled():
            if not work.outcome.done():
                work.outcome.set_result(outcome)
        elif not work.is_stored:  # nobody can ask for it: see `JobDesk.promise`
            work.outcome.set_result(outcome)
            await asyncio.to_thread(self._files.remove, work.id)
        elif outcome.status is JobStatus.CANCELLED and not work.is_promised:
            with suppress(StorageAway):
                await self._store.remove(work.id)
            await asyncio.to_thread(self._files.remove, work.id)
            work.outcome.set_result(outcome)
        else:
            outcome, row = await self._keep(work, outcome)
            work.outcome.set_result(outcome)
        await self._ended(work, row)

    async def _keep(self, work: Work, outcome: Outcome) -> tuple[Outcome, JobRow | None]:
        """First the result, then the row that tells of it."""
        row: JobRow | None
        try:
            result = outcome.body if outcome.status is JobStatus.DONE else None
            await asyncio.to_thread(self._files.finish, work.id, result)
            row = work.row(outcome)
            await self._store.put(row)
        except StorageAway as error:
            row = None
            with suppress(StorageAway):
                if work.is_promised:
                    outcome = Outcome.failed(error, request_id=work.request_id)
                    row = work.row(outcome)
                    await self._store.put(row)
                else:  # who waits for it may still have it; its key is free again
                    await self._store.remove(work.id)
                    await asyncio.to_thread(self._files.remove, work.id)
        return outcome, row

    def _outcome(self, work: Work, task: "asyncio.Task[bytes]") -> Outcome:
        if task.cancelled():
            error: ServerError = JobCancelled("The job was cancelled.")
            if self._is_closing:
                error = EngineUnavailable("The server is stopping.")
        elif (failure := task.exception()) is None:
            return Outcome.done(task.result())
        else:
            error = of_server(failure) if isinstance(failure, Exception) else EngineError("")
            if not isinstance(failure, ServerError):
                log_failure(failure, request_id=work.request_id)
        return Outcome.failed(error, request_id=work.request_id)


def log_failure(failure: BaseException, *, request_id: str) -> None:
    """Says where it failed and how, without the text, which may quote the document."""
    frames = traceback.extract_tb(failure.__traceback__)
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[::-1])
    log.error("%s: %s at %s", request_id, type(failure).__name__, places)
