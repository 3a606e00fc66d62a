"""The registry's last good state on this machine's disk, to start from while the registry is away.

It is an index like the registry's own, with what serving needs: bases, versions, aliases, traffic,
signatures and the keys of callers (hashed, as there). Whoever could change it could also change the
files beside it; it lies in the same home, for its owner only.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

from medley_registry import Registry, Version, open_registry
from medley_registry.adapters import Adapter
from medley_registry.aliases import Alias
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.durable import disk_errors, incoming_file, make_folder, sync_folder
from medley_registry.errors import NeedsMigration, Unavailable
from medley_registry.index import Index
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.kinds import Record
from medley_registry.location import locate
from medley_registry.traffic import TrafficRule

from medley_server.adapter_files import AWAY
from medley_server.settings import ServeSettings
from medley_server.waiting_index import WaitingBlobs, WaitingIndex

log = logging.getLogger(__name__)

LOOK_S = 2.5
"""How often it is looked whether there is something new to save."""

RESTLESS_S = 60.0
"""How old what was saved may be while there is something new at each look.

Saving takes some 35 ms of a core, which the engine misses: it waits until nothing is going on.
"""

REFRESH_S = 600.0
"""How old what was saved may be while nothing is new: its age tells how long a registry is away."""

_KINDS: tuple[type[Any], ...] = (
    *(BaseModel, Adapter, Version, Alias, TrafficRule),
    *(TrustedKey, Signature, AccessKey),
)


def saved_path(settings: ServeSettings) -> Path:
    """Where the state of the registry is saved: one file for each place that registries are at."""
    place = locate(settings.registry, blobs=settings.blobs, tenant=settings.tenant)
    return settings.saved / f"{hashlib.sha256(str(place).encode()).hexdigest()[:16]}.db"


def save(registry: Registry, path: Path) -> None:
    """Saves what the registry holds now; the file stands for all of it, or for what it was before.

    Raises:
        RegistryError: the registry cannot be read, or the disk not be written.
    """
    from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index

    with registry.index.read() as reader:
        records: list[Record] = [one for kind in _KINDS for one in reader.all(kind)]
    with disk_errors(path.parent):
        make_folder(path.parent)
        with incoming_file(path.parent) as (incoming, _):
            incoming.unlink()  # its name is wanted; the database makes the file
            try:
                create_sqlite_index(incoming)
                with closing(SqliteIndex(incoming)) as index, index.write() as writer:
                    writer.add(*records)
                _check_settled(incoming)
                incoming.chmod(0o600)
                incoming.replace(path)
            finally:
                for left in path.parent.glob(f"{incoming.name}-*"):
                    left.unlink(missing_ok=True)
        sync_folder(path.parent)


def _check_settled(incoming: Path) -> None:
    """SQLite moves its log into the file on closing, and does not say if the disk was full."""
    log_file = incoming.with_name(f"{incoming.name}-wal")
    if log_file.exists() and log_file.stat().st_size:
        raise Unavailable(f"{incoming.parent} has no room for the registry's state")


@contextmanager
def open_last_good(settings: ServeSettings) -> Iterator[Registry]:
    """The registry; while it is away at the start, what was saved of it, until it is back.

    Raises:
        RegistryError: it cannot be opened or read, and nothing was saved.
    """
    from medley_registry.backends.sqlite import SqliteIndex

    def reopen() -> Registry:
        found = open_registry(settings.registry, blobs=settings.blobs, tenant=settings.tenant)
        try:
            with found.index.read() as reader:
                reader.head(), reader.all(BaseModel), reader.all(Alias)
        except BaseException:
            found.close()
            raise
        return found

    path = saved_path(settings)
    try:
        registry = reopen()
    except AWAY as error:
        if isinstance(error, NeedsMigration) or not path.is_file():
            raise
        log.warning("the registry is away, starting from the state saved in %s: %s", path, error)
        saved_at = path.stat().st_mtime
        waiting = WaitingIndex(reopen, SqliteIndex(path), saved_at=saved_at, failure=str(error))
        registry = Registry(cast("Index", waiting), cast("BlobStore", WaitingBlobs(waiting)))
    with registry:
        yield registry


def failure_of(registry: Registry) -> str | None:
    """Why a registry is answered for by what was saved of it; None where it answers itself."""
    return registry.index.failure if isinstance(registry.index, WaitingIndex) else None


class LastGoodState:
    """Keeps what is saved as new as the registry."""

    def __init__(self, registry: Registry, path: Path) -> None:
        self._registry = registry
        self._path = path
        self._saved: tuple[int, float] | None = None
        self._seen: int | None = None

    async def keep(self, head: Callable[[], int | None]) -> None:
        """Saves again and again, until cancelled.

        Args:
            head: the newest event that was read; None while the registry is away.
        """
        while True:
            now = head()
            if now is not None and self._is_due(now):
                try:
                    await asyncio.to_thread(save, self._registry, self._path)
                    self._saved = (now, time.monotonic())
                except Exception:  # the process's edge: a keeper that died would be silent
                    log.exception("the registry's state was not saved, and is tried again")
            self._seen = now
            await asyncio.sleep(LOOK_S)

    def _is_due(self, head: int) -> bool:
        if self._saved is None:
            return True
        saved, at = self._saved
        age = time.monotonic() - at
        if saved == head:
            return age >= REFRESH_S
        return self._seen == head or age >= RESTLESS_S
