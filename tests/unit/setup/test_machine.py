"""What a machine must have."""

import fcntl
import os
from pathlib import Path

import pytest
from machine import (
    SetupError,
    check_library,
    check_platform,
    check_python,
    check_space,
    glibc_version,
    one_at_a_time,
)


@pytest.mark.parametrize("version", [(3, 10), (3, 13)])
def test_another_python_is_refused_by_name(version: tuple[int, int]) -> None:
    with pytest.raises(SetupError, match=rf"this is Python 3\.{version[1]}; Medley needs 3.11 or"):
        check_python(version)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "aarch64")])
def test_another_platform_is_refused_by_name(system: str, machine: str) -> None:
    with pytest.raises(SetupError, match=f"this is {system} on {machine}"):
        check_platform(system, machine, (2, 36))


@pytest.mark.parametrize("glibc", [(), (2, 17)])
def test_a_c_library_that_the_wheels_do_not_fit_is_refused(glibc: tuple[int, ...]) -> None:
    with pytest.raises(SetupError, match="GNU C library"):
        check_platform("linux", "x86_64", glibc)


def test_this_machine_is_accepted() -> None:
    check_platform("linux", "x86_64", glibc_version())


def test_a_missing_system_library_names_its_package() -> None:
    with pytest.raises(SetupError, match="apt install libabsent1"):
        check_library("libabsent.so.1", "libabsent1")


def test_a_full_disk_tells_what_is_left_and_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"GB of disk left and needs about 10000000 GB"):
        check_space(tmp_path, 10_000_000)


def test_a_second_set_up_finds_the_tree_held_until_the_first_ends(tmp_path: Path) -> None:
    other = os.open(tmp_path, os.O_RDONLY)

    with one_at_a_time(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)
