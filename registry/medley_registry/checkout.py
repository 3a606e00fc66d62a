"""Writing a version out as files that an engine can load, each verified on the way.

A checkout is never rewritten: its folder is named by the version's digest, filled aside, renamed
into place, and marked ready last. Files are copied, not linked to the store, so that nothing an
engine's process does to them can reach the store.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.blobs import BlobStore
from medley_registry.digest import Digest, digest_stream
from medley_registry.durable import (
    INCOMING,
    disk_errors,
    folder_aside,
    seal_file,
    sync_folder,
)
from medley_registry.errors import DigestMismatch
from medley_registry.manifest import FileEntry

READY = ".ready"
"""Marks a folder that is complete; who needs its files may hold a lock on it."""


def check_out(version: Version, folder: Path, *, blobs: BlobStore) -> Path:
    """Write a version's files under ``folder/<digest hex>``, unless they are there, unchanged.

    Any number of threads and processes may do so at once. A folder without the ready mark is
    what a crash left, and is made again.

    Raises:
        BlobMissing, DigestMismatch: the store does not hold what was published.
        Unavailable: the folder cannot be written.
    """
    target = folder / version.digest.hex
    if _is_whole(target, version):
        return target
    with disk_errors(folder), _sole_builder(folder):
        if not _is_whole(target, version):
            _clear(folder, target)
            incoming = Path(tempfile.mkdtemp(dir=folder, prefix=INCOMING))
            for entry in version.manifest.files:
                _copy(entry, incoming / entry.path, blobs=blobs)
            sync_folder(incoming)
            incoming.rename(target)
            (target / READY).touch()
            sync_folder(target)
            sync_folder(folder)
    return target


def find_checked_out(version: Version, folder: Path) -> Path | None:
    """Where a version's files lie under a folder, if they are there, ready and unchanged."""
    target = folder / version.digest.hex
    return target if _is_whole(target, version) else None


def write_out(version: Version, folder: Path, *, blobs: BlobStore) -> Path:
    """Write a version's files into a folder that is not there yet, or is empty.

    They are written aside and renamed into place, so that the folder is complete when it appears.

    Raises:
        BlobMissing, DigestMismatch: the store does not hold what was published.
        NameTaken: the folder holds something.
        Unavailable: it cannot be written.
    """
    target = folder.absolute()
    with disk_errors(target), folder_aside(target) as incoming:
        for entry in version.manifest.files:
            _copy(entry, incoming / entry.path, blobs=blobs)
    return target


def _is_whole(target: Path, version: Version) -> bool:
    """Whether a folder is ready and still holds just what was written to it.

    It is read again each time: whoever can write there could have changed what is about to be used.
    """
    if not (target / READY).exists():
        return False
    wanted = {entry.path: entry.sha256 for entry in version.manifest.files}
    if {file.name for file in target.iterdir()} != {READY, *wanted}:
        return False
    return all(_digest(target / path) == digest for path, digest in wanted.items())


def _digest(file: Path) -> Digest | None:
    try:
        with file.open("rb") as stream:
            return digest_stream(stream, each=len)[0]
    except OSError:
        return None


@contextmanager
def _sole_builder(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its process dies
        yield


def _clear(folder: Path, target: Path) -> None:
    """Remove what a builder that died has left; its lock is ours now."""
    for leftover in folder.glob(f"{INCOMING}*"):
        shutil.rmtree(leftover, ignore_errors=True)  # a cleaner may be removing it just now
    if target.exists():
        shutil.rmtree(target)


def _copy(entry: FileEntry, target: Path, *, blobs: BlobStore) -> None:
    with blobs.open(entry.sha256) as source, target.open("xb") as sink:
        digest, _ = digest_stream(source, each=sink.write)
        seal_file(sink)
    if digest != entry.sha256:
        raise DigestMismatch(
            f"{entry.path}: the store holds {digest} under the name of {entry.sha256}"
        )
