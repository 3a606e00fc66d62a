"""The library that strikes: built once, loaded below the workers in which operations run.

It records, kills or fails the libc calls that change files under one folder (see ``shim.c``).
"""

import ctypes
import hashlib
import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from unittest import mock

_SOURCE = Path(__file__).with_name("shim.c")
_BUILT = Path(__file__).parents[2] / ".test-cache/faults"


class Mode(IntEnum):
    """What happens to the watched call with the number ``at``; as in ``shim.c``."""

    OFF = 0
    RECORD = 1
    KILL = 2  # the process dies before the call
    TEAR = 3  # half of the bytes are written, then it dies
    FAIL = 4  # the call fails
    FAIL_FROM = 5  # so do all after it; ENOSPC only strikes where room is needed
    FILL = 6  # the disk has room for ``at`` more bytes, and gains none by removals


@dataclass(frozen=True, slots=True)
class Fault:
    mode: Mode
    at: int = 0
    error: int = 0


def built_shim() -> Path:
    """The shared library, compiled on first use.

    Raises:
        FileNotFoundError: this machine has no ``cc``.
    """
    library = _BUILT / f"shim-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if not library.exists():
        _BUILT.mkdir(parents=True, exist_ok=True)
        draft = library.with_suffix(f".{os.getpid()}")
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "-o", draft, _SOURCE, "-ldl"], check=True)
        draft.rename(library)
    return library


@contextmanager
def preloaded_workers(
    count: int, start: Callable[[str], object], argument: str
) -> Iterator[Executor]:
    """Fresh processes with the shim below them, begun by ``start(argument)``.

    Nothing is watched until one of them calls `arm`.
    """
    spawn = multiprocessing.get_context("spawn")
    with (
        mock.patch.dict(os.environ, LD_PRELOAD=str(built_shim())),
        ProcessPoolExecutor(
            count, mp_context=spawn, initializer=start, initargs=(argument,)
        ) as workers,
    ):
        yield workers


def arm(fault: Fault, *, root: Path, log: int) -> None:
    """Watch this process's changes under `root`; records go to the descriptor `log`."""
    ctypes.CDLL(None).medley_faults_arm(
        os.fsencode(root), fault.mode.value, ctypes.c_long(fault.at), fault.error, log
    )


def note(kind: str, text: str) -> None:
    """Put a note among the records, where it happened."""
    ctypes.CDLL(None).medley_faults_note(kind.encode(), text.encode())
