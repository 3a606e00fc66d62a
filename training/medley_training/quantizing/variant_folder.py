"""Making a folder of a variant so that a killed run leaves nothing that looks whole."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medley_registry.canonical import Json, canonical_json
from medley_registry.durable import INCOMING, make_folder, sync_folder

from medley_training.errors import CannotQuantize

_MARK = ".medley-variant.json"


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Keep others from making the same folder; the kernel lets go however this process ends.

    Raises:
        CannotQuantize: another process is making it.
    """
    make_folder(folder.parent)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotQuantize(f"another process is making {folder}") from error
        yield


def finished(folder: Path) -> dict[str, Json] | None:
    """What was noted of a whole folder when it was made; None where there is nothing.

    Raises:
        CannotQuantize: something else is there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    try:
        note: dict[str, Json] = json.loads((folder / _MARK).read_bytes())
    except (OSError, ValueError) as error:
        raise CannotQuantize(
            f"{folder} holds something else: choose another by --out, or remove it"
        ) from error
    return note


@contextmanager
def folder_in_work(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` to write into; what a killed run left of it is removed first.

    It stays where it is, and is removed, unless it is moved by `finish`.
    """
    aside = folder.parent / f"{INCOMING}{folder.name}"
    if aside.exists():
        shutil.rmtree(aside)
    aside.mkdir()
    try:
        yield aside
    finally:
        if aside.exists():
            shutil.rmtree(aside)


def finish(aside: Path, folder: Path, note: dict[str, Json]) -> None:
    """Note what was made, put everything on disk, and give the folder its name: in this order."""
    (aside / _MARK).write_bytes(canonical_json(note))
    for file in aside.iterdir():
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    sync_folder(aside)
    if folder.exists():
        folder.rmdir()  # empty, or `finished` would have refused it
    aside.rename(folder)
    sync_folder(folder.parent)
