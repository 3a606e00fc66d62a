"""The rows of jobs: one SQLite file, which one server has to itself."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeVar

from medley.results import JobStatus

from medley_server.document_errors import StorageAway, log
from medley_server.jobs.job_row import FORGOTTEN_AFTER_S, JobRow

T = TypeVar("T")

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE job (
    id TEXT PRIMARY KEY, caller TEXT NOT NULL, request_id TEXT NOT NULL, idempotency_key TEXT,
    digest TEXT NOT NULL, options TEXT NOT NULL, is_promised INTEGER NOT NULL,
    status TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL,
    attempts INTEGER NOT NULL, pages_done INTEGER NOT NULL, pages_in INTEGER, code INTEGER,
    error TEXT, is_callback_due INTEGER NOT NULL, is_swept INTEGER NOT NULL,
    UNIQUE (caller, idempotency_key)
);
CREATE INDEX of_caller ON job (caller, created_at);
CREATE INDEX of_expiry ON job (expires_at);
"""


class JobStore:
    """Every method is answered by one thread, in the order in which they are called."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it, readable by its owner only.

        Raises:
            StorageAway: it cannot be used.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")
        try:
            self._connection = self._thread.submit(_open, path).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise StorageAway(f"the job store {path} cannot be opened: {error}") from error

    async def close(self) -> None:
        """Ends it; what was called before is done first."""
        await self._call(self._connection.close)
        self._thread.shutdown()

    async def put(self, row: JobRow) -> None:
        """Keeps a row, in the place of one with its id."""
        await self._execute(_REPLACE, _values(row))

    async def claim(self, row: JobRow) -> JobRow | None:
        """Keeps a new row, unless its caller's key is taken: then that row is the answer."""

        def claim() -> JobRow | None:
            with self._connection as connection:
                if connection.execute(_INSERT, _values(row)).rowcount:
                    return None
                key = (row.caller, row.idempotency_key)
                return _row(connection.execute(_BY_KEY, key).fetchone())

        return await self._call(claim)

    async def get(self, job_id: str) -> JobRow | None:
        """The row of that id."""
        return await self._one("SELECT * FROM job WHERE id = ?", (job_id,))

    async def by_key(self, caller: str, key: str) -> JobRow | None:
        """The row that has a caller's key."""
        return await self._one(_BY_KEY, (caller, key))

    async def remove(self, job_id: str) -> None:
        """Forgets a row."""
        await self._execute("DELETE FROM job WHERE id = ?", (job_id,))

    async def all(self) -> list[JobRow]:
        """Every row, oldest first."""
        return await self._many("SELECT * FROM job ORDER BY created_at, id", ())

    async def of_caller(
        self, caller: str, *, limit: int, before: JobRow | None, now: float
    ) -> list[JobRow]:
        """A caller's jobs, newest first, without those whose results have gone."""
        at, job_id = (before.created_at, before.id) if before else (float("inf"), "")
        return await self._many(
            "SELECT * FROM job WHERE caller = ? AND is_promised"
            " AND NOT (status IN ('done', 'failed', 'cancelled') AND expires_at <= ?)"
            " AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?",
            (caller, now, at, job_id, limit),
        )

    async def expired(self, now: float) -> list[JobRow]:
        """Rows whose results have gone, and whose files are still there."""
        return await self._many(
            "SELECT * FROM job WHERE expires_at <= ? AND NOT is_swept"
            " AND status IN ('done', 'failed', 'cancelled')",
            (now,),
        )

    async def free_key(self, job_id: str) -> None:
        """Its caller may use the key for another job."""
        await self._execute("UPDATE job SET idempotency_key = NULL WHERE id = ?", (job_id,))

    async def told(self, job_id: str) -> None:
        """Its callback is due no more."""
        await self._execute("UPDATE job SET is_callback_due = 0 WHERE id = ?", (job_id,))

    async def swept(self, job_id: str) -> None:
        """Its files are gone."""
        await self._execute("UPDATE job SET is_swept = 1 WHERE id = ?", (job_id,))

    async def forget(self, now: float) -> None:
        """Drops rows that nothing needs to be said of any more."""
        await self._execute(
            "DELETE FROM job WHERE is_swept AND expires_at <= ?", (now - FORGOTTEN_AFTER_S,)
        )

    async def _execute(self, statement: str, values: Sequence[Any]) -> None:
        def execute() -> None:
            with self._connection as connection:
                connection.execute(statement, values)

        await self._call(execute)

    async def _many(self, query: str, values: Sequence[Any]) -> list[JobRow]:
        def select() -> list[JobRow]:
            rows = self._connection.execute(query, values).fetchall()
            return [row for found in rows if (row := _row(found)) is not None]

        return await self._call(select)

    async def _one(self, query: str, values: Sequence[Any]) -> JobRow | None:
        return next(iter(await self._many(query, values)), None)

    async def _call(self, task: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, task)
        except sqlite3.Error as error:
            log.error("the job store: %s", error)
            raise StorageAway("The server cannot keep jobs now; try again later.") from error


_INSERT = "INSERT OR IGNORE INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_REPLACE = "INSERT OR REPLACE INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BY_KEY = "SELECT * FROM job WHERE caller = ? AND idempotency_key = ?"


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, _SCHEMA_VERSION):
        connection.close()
        raise sqlite3.DatabaseError(f"it was made by another version of the server ({version})")
    if version == 0:
        connection.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
        )
    return connection


def _values(row: JobRow) -> tuple[Any, ...]:
    return tuple(str(one) if isinstance(one, JobStatus) else one for one in astuple(row))


def _row(found: sqlite3.Row | None) -> JobRow | None:
    if found is None:
        return None
    values = dict(found)
    values["status"] = JobStatus(values["status"])
    for name in ("is_promised", "is_callback_due", "is_swept"):
        values[name] = bool(values[name])
    return JobRow(**values)
