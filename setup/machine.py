"""What a machine must have before the set-up begins."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYTHONS = ((3, 11), (3, 12))
OLDEST_GLIBC = (2, 28)  # what the wheels of torch and vLLM are built for


class SetupError(Exception):
    """The set-up cannot go on; the message is the one line to show."""


def say(line: str) -> None:
    sys.stderr.write(f"set-up: {line}\n")


def check_python(version: tuple[int, ...]) -> None:
    if version not in PYTHONS:
        wanted = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        raise SetupError(f"this is Python {version[0]}.{version[1]}; Medley needs {wanted}")


def check_platform(system: str, machine: str, glibc: tuple[int, ...]) -> None:
    """Refuses what the locked torch and vLLM have no wheels for."""
    if system != "linux" or machine != "x86_64":
        raise SetupError(f"Medley runs on Linux on x86-64 so far; this is {system} on {machine}")
    if glibc < OLDEST_GLIBC:
        raise SetupError("torch and vLLM need the GNU C library, 2.28 or newer (Debian 10 on)")


def glibc_version() -> tuple[int, ...]:
    """Empty where the C library is another one."""
    with contextlib.suppress(ValueError, OSError):
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        if name == "glibc":
            return tuple(int(part) for part in version.split("."))
    return ()


def check_library(name: str, package: str) -> None:
    """Refuses a machine without a system library that no wheel brings."""
    try:
        ctypes.CDLL(name)
    except OSError:
        raise SetupError(
            f"vLLM on the CPU needs {name}; on Debian and Ubuntu: apt install {package}"
        ) from None


def check_space(folder: Path, needed_gb: int) -> None:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < needed_gb:
        raise SetupError(
            f"{folder} has {free_gb:.1f} GB of disk left and needs about {needed_gb} GB"
        )


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[None]:
    """Keeps a second set-up of the tree waiting; the kernel lets go however this process ends."""
    folder = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this folder")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
