"""The folder of jobs, which one server has to itself."""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from medley_server.errors import CannotStart
from medley_server.extraction.port import Extractor
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs.archive import Clock
from medley_server.jobs.callback_hosts import CallbackHosts
from medley_server.jobs.callbacks import Callbacks
from medley_server.jobs.desk import JobDesk
from medley_server.jobs.job_files import JobFiles
from medley_server.jobs.store import JobStore

INCOMING = "incoming"
"""Where documents lie while they come in."""


@asynccontextmanager
async def open_desk(
    folder: Path,
    extractor: Extractor,
    settings: ExtractionSettings,
    *,
    callbacks: Callbacks | None = None,
    clock: Clock = time.time,
) -> AsyncIterator[JobDesk]:
    """The jobs in a folder, taken up again, and left in order.

    Raises:
        CannotStart: another server has the folder.
        StorageAway: the disk does not allow it.
    """
    lock = await asyncio.to_thread(_claim, folder)
    try:
        hosts = CallbackHosts(settings.callback_hosts)
        desk = JobDesk(
            JobStore(folder / "jobs.db"),
            JobFiles(folder / "files"),
            extractor,
            settings,
            callbacks=callbacks or Callbacks(hosts, key=settings.callback_key),
            clock=clock,
        )
        try:
            await desk.open()
            yield desk
        finally:
            await desk.close()
    finally:
        os.close(lock)


def _claim(folder: Path) -> int:
    """Locks the folder; what half came in under an earlier server goes."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise CannotStart(f"{folder} cannot be used for documents: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder / INCOMING, ignore_errors=True)
        (folder / INCOMING).mkdir(mode=0o700)
    except OSError as error:
        os.close(lock)
        raise CannotStart(f"another server has its documents in {folder}: {error}") from error
    return lock
