"""Files that survive a power loss: written aside, synced, renamed into place, folder synced.

A rename is atomic but lands on disk only when its folder is synced; without the file's own sync
before it, the new name may survive while the bytes do not.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from medley_registry.errors import NameTaken, Unavailable

INCOMING = ".incoming-"
"""How the name of a file begins that is not complete, or was left by a process that died."""

_READ_ONLY = 0o444


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Tell what the disk at a place refuses to do in the registry's own words.

    Raises:
        Unavailable: for every OSError in the block.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{place} cannot be used: {error}") from error


@contextmanager
def incoming_file(folder: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in `folder` under a passing name; gone on leaving, unless renamed by then."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=INCOMING)
    path = Path(name)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 a descriptor, not a path
            yield path, stream
    finally:
        path.unlink(missing_ok=True)


def seal_file(stream: BinaryIO) -> None:
    """Make a written file read-only and put its bytes on disk."""
    stream.flush()
    os.fchmod(stream.fileno(), _READ_ONLY)
    os.fsync(stream.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file so that its name stands for all of it or for what it was, whatever happens."""
    with incoming_file(path.parent) as (incoming, stream):
        _write(stream, data)
        incoming.replace(path)
    sync_folder(path.parent)


def create_file(path: Path, data: bytes, *, mode: int) -> None:
    """Write a new file, all of it or nothing, that only those may read whom `mode` names.

    Raises:
        FileExistsError: the file exists; it stays as it is.
    """
    with incoming_file(path.parent) as (incoming, stream):
        os.fchmod(stream.fileno(), mode)
        _write(stream, data)
        os.link(incoming, path)  # unlike a rename, it never replaces what is there
    sync_folder(path.parent)


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they are there; their names are durable then.

    A folder found in place is synced too: whoever made it may not have come so far.
    """
    if not folder.parent.is_dir():
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as the files behind them."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def folder_aside(target: Path) -> Iterator[Path]:
    """A new folder beside the target, which takes its place when all is written, or goes.

    Raises:
        NameTaken: the target holds something.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NameTaken(f"{target} exists and is not empty")
    make_folder(target.parent)
    incoming = target.parent / f"{INCOMING}{secrets.token_hex(8)}"
    incoming.mkdir()
    try:
        yield incoming
        sync_folder(incoming)
        incoming.rename(target)  # refused by the system if something came to lie there meanwhile
        sync_folder(target.parent)
    finally:
        if incoming.exists():
            shutil.rmtree(incoming)
