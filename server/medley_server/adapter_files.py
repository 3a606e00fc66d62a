"""Verified files of versions, on this machine's disk: fetched, held while needed, and let go.

Servers with one home share the folder. Each holds a shared lock on the ready mark of what it needs,
and takes a version's files away only under a lock of its own: so nobody's files go from under him,
and a server that was killed holds nothing.
"""

import fcntl
import logging
import os
import shutil
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from medley_registry import Registry, RegistryError, Version
from medley_registry.checkout import READY, find_checked_out
from medley_registry.durable import INCOMING
from medley_registry.errors import Busy, IndexDamaged, NotARegistry, Unavailable

from medley_server.errors import AdapterUnavailable

log = logging.getLogger(__name__)

MOST_BYTES = 8 << 30
"""What files may take that nobody needs now; the longest unused go first."""

AWAY = (Unavailable, NotARegistry, Busy, IndexDamaged)
"""The registry cannot be asked. Every other error is its answer, and holds."""


class AdapterFiles:
    """A folder of files by digest; to be called in threads, for it reads and waits."""

    def __init__(self, registry: Registry, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._registry = registry
        self._folder = folder
        self._most_bytes = most_bytes
        self._held: dict[str, list[int]] = {}  # descriptors that hold the lock, by digest
        self._lock = threading.Lock()
        self.spared: Callable[[], Collection[str]] = tuple
        """Digests (hex) of versions whose files stay although nobody holds them."""

    def take(self, version: Version) -> Path:
        """Fetches and verifies a version's files; they stay until they are given back.

        Raises:
            AdapterUnavailable: they are damaged, may not be served, or cannot be had now.
        """
        try:
            while True:
                folder = self._fetched(version)
                if (held := _hold(folder / READY)) is not None:
                    break
        except (RegistryError, OSError) as error:
            raise AdapterUnavailable(f"{version.reference} cannot be fetched: {error}") from error
        with self._lock:
            self._held.setdefault(version.digest.hex, []).append(held)
        return folder

    def give_back(self, version: Version) -> None:
        """Undoes one `take`."""
        with self._lock:
            os.close(self._held[version.digest.hex].pop())
            if not self._held[version.digest.hex]:
                del self._held[version.digest.hex]

    def clean(self) -> None:
        """Removes what nobody needs, as far as it takes more room than it may."""
        try:
            self._clean()
        except OSError as error:
            log.warning("%s cannot be cleaned: %s", self._folder, error)

    def _clean(self) -> None:
        needed = {*self._held, *self.spared()}
        marks = [mark for mark in self._folder.glob(f"*/{READY}") if mark.parent.name not in needed]
        with suppress(FileNotFoundError):  # another server here is cleaning too
            sizes = {mark: _size_bytes(mark.parent) for mark in marks}
            too_much = sum(sizes.values()) - self._most_bytes
            for mark in sorted(marks, key=lambda mark: mark.stat().st_mtime):
                if too_much <= 0:
                    return
                if self._remove(mark):
                    too_much -= sizes[mark]

    def _fetched(self, version: Version) -> Path:
        try:
            return self._registry.checkout(version, self._folder)
        except AWAY as error:
            # Its state and signatures were good when it was last asked for.
            if (folder := find_checked_out(version, self._folder)) is None:
                raise
            log.warning("%s is taken as it lies in %s: %s", version.reference, folder, error)
            return folder

    def _remove(self, mark: Path) -> bool:
        """False where another server needs them."""
        with mark.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            # Under a passing name, which the next checkout removes if we die on the way.
            gone = mark.parent.with_name(f"{INCOMING}{mark.parent.name}")
            mark.parent.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        log.info("removed the files of %s, which nothing needs", mark.parent.name)
        return True


def _hold(mark: Path) -> int | None:
    """Locks a ready mark against removal; None if the folder went before it could be."""
    try:
        descriptor = os.open(mark, os.O_RDONLY)
    except FileNotFoundError:
        return None
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        if os.path.samestat(os.fstat(descriptor), mark.stat()):
            os.utime(mark)
            return descriptor
    except FileNotFoundError:
        pass
    os.close(descriptor)
    return None


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
