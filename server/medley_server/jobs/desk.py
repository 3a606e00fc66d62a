"""Where jobs are handed in, waited for and called off."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from medley.results import Job, JobStatus

from medley_server.document_errors import CallerLeft, StorageAway
from medley_server.extraction.errors import IdempotencyConflict, InvalidRequest
from medley_server.extraction.port import Extractor
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs.archive import Clock, JobArchive, live_row
from medley_server.jobs.callbacks import Callbacks
from medley_server.jobs.job_files import JobFiles
from medley_server.jobs.job_row import JobRow
from medley_server.jobs.outcome import Outcome
from medley_server.jobs.shift import Shift
from medley_server.jobs.store import JobStore
from medley_server.jobs.turns import Turns
from medley_server.jobs.work import Order, Work

log = logging.getLogger(__name__)

_CANCEL_PATIENCE_S = 5.0
_LONGEST_SWEEP_PAUSE_S = 60.0


class JobDesk:
    """All jobs of one server; belongs to one event loop."""

    def __init__(
        self,
        store: JobStore,
        files: JobFiles,
        extractor: Extractor,
        settings: ExtractionSettings,
        *,
        callbacks: Callbacks,
        clock: Clock = time.time,
    ) -> None:
        """Nothing runs until `open` is called."""
        self._store = store
        self._files = files
        self._settings = settings
        self._clock = clock
        self.turns = Turns(running=settings.running, waiting=settings.waiting)
        self.archive = JobArchive(store, files, clock=clock, kept_s=settings.results_kept_s)
        self._callbacks = callbacks
        self._live: dict[str, Work] = {}
        self._shift = Shift(
            store, files, extractor, self.turns, settings, clock=clock, ended=self._ended
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling: set[str] = set()

    async def open(self) -> None:
        """Takes up what the last server left: see `Shift.take_over`."""
        rows = await self._store.all()
        known = {row.id for row in rows}
        for stray in await asyncio.to_thread(self._files.ids) - known:
            await asyncio.to_thread(self._files.remove, stray)
        for row in rows:
            if row.status.is_final:
                if row.is_callback_due:
                    self._go_on(self._tell(row))
            elif not row.is_promised:  # who waited for it has been told that it failed
                await self.archive.remove(row.id)
            else:
                work = Work.of_row(row)
                self._live[work.id] = work
                self._shift.take_over(work)
        self._go_on(self._sweep_for_ever())

    async def close(self) -> None:
        """Stops all work; what was promised is left for the next server."""
        await self._shift.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()

    def check(self, callback_url: str | None) -> None:
        """Whether jobs may be posted there.

        Raises:
            InvalidRequest: they may not.
        """
        if callback_url is not None:
            self._callbacks.check(callback_url)

    async def is_new(self, caller: str, idempotency_key: str | None) -> bool:
        """Whether a request may make another job, before its document is taken in.

        Raises:
            TurnsTaken: it may, and there is no room for one.
        """
        if idempotency_key is not None and await self._store.by_key(caller, idempotency_key):
            return False
        self.turns.check_room()
        return True

    async def submit(self, order: Order) -> Work:
        """Takes an order on: a new job, or the one that the same order made before.

        Raises:
            TurnsTaken: the line is full.
            IdempotencyConflict: the key stands for another order.
            InvalidRequest: there is no such callback here.
            StorageAway: the disk does not take it.
        """
        self.check(order.options.callback_url)
        if (known := await self._known(order)) is not None:
            return known
        place = self.turns.enter()
        work = Work.of_order(order, now=self._clock(), kept_s=self._settings.results_kept_s)
        self._live[work.id] = work  # before its row, so that whoever finds the row finds it too
        is_taken_on = False
        try:
            await asyncio.to_thread(self._files.take, work.id, order.document)
            while work.is_stored and await self._store.claim(work.row()) is not None:
                if (known := await self._known(order)) is not None:  # it has been quicker
                    return known
            is_taken_on = True
        finally:
            if not is_taken_on:
                self._live.pop(work.id, None)
                place.leave()
                await asyncio.to_thread(self._files.remove, work.id)
        self._shift.start(work, place)
        return work

    async def _known(self, order: Order) -> Work | None:
        """The job that this caller's key stands for, if it is to be given again."""
        if order.idempotency_key is None:
            return None
        row = await self._store.by_key(order.caller, order.idempotency_key)
        if row is None:
            return None
        if row.digest != order.digest:
            raise IdempotencyConflict(
                "The Idempotency-Key came with another document or other options before."
            )
        work = self._live.get(row.id)
        if work is not None and not work.is_called_off:
            return work
        if work is not None:
            await asyncio.wait({work.outcome})
        return await self._again(row.id)

    async def _again(self, job_id: str) -> Work | None:
        """A job that is over, if its answer stands; else its key is free again."""
        row = await self._store.get(job_id)  # anew: it may have ended since
        if row is None:
            return None
        if row.status.is_final and not row.is_expired(self._clock()):
            outcome = await self.archive.outcome(row)
            if not outcome.is_worth_another_try:
                work = Work.of_row(row)
                work.outcome.set_result(outcome)
                return work
        await self._store.free_key(job_id)
        return None

    async def wait(
        self, work: Work, *, seconds: float, until_left: Awaitable[None]
    ) -> Outcome | None:
        """How a job ended; None if that takes longer.

        Raises:
            CallerLeft: nobody waits any more; work that was promised to nobody is called off.
        """
        work.waiters += 1
        gone = asyncio.ensure_future(until_left)
        try:
            both: set[asyncio.Future[Any]] = {work.outcome, gone}
            await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.outcome.done():
                return work.outcome.result()
            if gone.done():
                raise CallerLeft("The caller left.")
            return None
        finally:
            is_given_up = gone.done() or asyncio.current_task().cancelling() > 0  # type: ignore[union-attr]
            gone.cancel()
            work.waiters -= 1
            if is_given_up:
                self.give_up(work)

    def give_up(self, work: Work) -> None:
        """Calls a job off, unless somebody else waits for it or may ask for it."""
        if work.waiters == 0 and not work.is_promised and work.task is not None:
            work.task.cancel()

    async def promise(self, work: Work) -> bool:
        """Makes a job one that may be asked for; False if it is over already.

        Raises:
            StorageAway: it cannot be kept; it is called off.
        """
        if work.outcome.done():
            return False
        if work.is_promised:
            return True
        work.is_promised = True
        try:
            await self._store.put(work.row())
        except StorageAway:
            work.is_promised = False
            self.give_up(work)
            raise
        return True

    async def job(self, caller: str, job_id: str) -> Job:
        """A caller's job.

        Raises:
            JobNotFound, ResultExpired: it is not there.
        """
        row = await self.archive.row(caller, job_id)
        work = self._live.get(job_id)
        return await self.archive.job(row if work is None else live_row(row, work))

    async def jobs(self, caller: str, *, limit: int, before: str | None) -> list[Job]:
        """A caller's jobs without their results, newest first."""
        rows = await self.archive.listed(caller, limit=limit, before=before)
        live = self._live
        return [(live_row(row, live[row.id]) if row.id in live else row).job() for row in rows]

    async def delete(self, caller: str, job_id: str) -> Job:
        """Calls a job off; lets one go that has a result or an error.

        Raises:
            JobNotFound, ResultExpired: it is not there.
        """
        row = await self.archive.row(caller, job_id)
        if (work := self._live.get(job_id)) is not None and work.task is not None:
            work.task.cancel()
            await asyncio.wait({work.outcome}, timeout=_CANCEL_PATIENCE_S)
            return (await self.archive.row(caller, job_id)).job()
        if row.status is not JobStatus.CANCELLED:
            await self.archive.remove(job_id)
        return row.job()

    async def _ended(self, work: Work, row: JobRow | None) -> None:
        self._live.pop(work.id, None)
        if row is not None and row.is_callback_due:
            self._go_on(self._tell(row))

    async def _tell(self, row: JobRow) -> None:
        self._telling.add(row.id)
        try:
            await self._post(row)
        finally:
            self._telling.discard(row.id)

    async def _post(self, row: JobRow) -> None:
        url = Work.of_row(row).options.callback_url
        assert url is not None
        try:
            job = await self.archive.job(row)
        except InvalidRequest:  # its result went before anybody could be told
            job = row.job()
        body = await asyncio.to_thread(lambda: job.model_dump_json().encode())
        await self._callbacks.tell(url, body)
        await self._store.told(row.id)

    async def _sweep_for_ever(self) -> None:
        while True:
            with suppress(StorageAway):  # said in the log; tried again
                await self.archive.sweep()
            await asyncio.sleep(min(_LONGEST_SWEEP_PAUSE_S, self._settings.results_kept_s))

    def _go_on(self, doing: "Awaitable[None]") -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("after a job: %s", type(error).__name__)
