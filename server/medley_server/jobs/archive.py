"""Jobs that somebody asks for: their rows and results, for as long as they are kept."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from medley.results import Extraction, Job, JobStatus

from medley_server.extraction.errors import JobNotFound, ResultExpired
from medley_server.jobs.job_files import JobFiles
from medley_server.jobs.job_row import JobRow
from medley_server.jobs.outcome import Outcome
from medley_server.jobs.store import JobStore
from medley_server.jobs.work import Work

Clock = Callable[[], float]
"""Seconds since 1970."""


class JobArchive:
    """What the store and the files say together."""

    def __init__(self, store: JobStore, files: JobFiles, *, clock: Clock, kept_s: float) -> None:
        """Reads and removes; `kept_s` is only said, the rows know when they go."""
        self._store = store
        self._files = files
        self._clock = clock
        self._kept_s = kept_s

    async def row(self, caller: str, job_id: str) -> JobRow:
        """The row of a caller's job.

        Raises:
            JobNotFound: there is none, or it is somebody else's.
            ResultExpired: it is too late.
        """
        row = await self._store.get(job_id)
        if row is None or row.caller != caller or not row.is_promised:
            raise JobNotFound(f"There is no job {job_id!a}.")
        if row.is_expired(self._clock()):
            raise self._expired()
        return row

    async def job(self, row: JobRow) -> Job:
        """The job on the wire, with its result or its error.

        Raises:
            ResultExpired: the result has gone meanwhile.
        """
        if row.status is JobStatus.DONE:
            result = await self._result(row)
            return await asyncio.to_thread(_with_result, row, result)
        if row.status is JobStatus.FAILED:
            return row.job(error=_error(row))
        return row.job()

    async def outcome(self, row: JobRow) -> Outcome:
        """What a synchronous call would have been answered.

        Raises:
            ResultExpired: the result has gone.
        """
        assert row.code is not None
        body = row.error.encode() if row.error is not None else await self._result(row)
        return Outcome(status=row.status, code=row.code, body=body)

    async def listed(self, caller: str, *, limit: int, before: str | None) -> list[JobRow]:
        """A caller's jobs, newest first; those made before a known one.

        Raises:
            JobNotFound, ResultExpired: that one is not known.
        """
        row = await self.row(caller, before) if before is not None else None
        return await self._store.of_caller(caller, limit=limit, before=row, now=self._clock())

    async def remove(self, job_id: str) -> None:
        """Forgets a job that is over, then lets its files go."""
        await self._store.remove(job_id)
        await asyncio.to_thread(self._files.remove, job_id)

    async def sweep(self) -> None:
        """Lets go what has had its time."""
        now = self._clock()
        for row in await self._store.expired(now):
            await asyncio.to_thread(self._files.remove, row.id)
            await self._store.swept(row.id)
        await self._store.forget(now)

    async def _result(self, row: JobRow) -> bytes:
        result = await asyncio.to_thread(self._files.result, row.id)
        if result is None:
            raise self._expired()
        return result

    def _expired(self) -> ResultExpired:
        return ResultExpired(
            f"The result is gone: results are kept for {self._kept_s:g} s.",
            details={"results_kept_s": self._kept_s},
        )


def live_row(row: JobRow, work: Work) -> JobRow:
    """A row with what is only known in memory."""
    return replace(row, status=work.status, pages_done=work.pages_done, pages_in=work.pages_in)


def _with_result(row: JobRow, result: bytes) -> Job:
    return row.job(result=Extraction.model_validate_json(result))


def _error(row: JobRow) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(row.error or "{}").get("error", {})
    return error
