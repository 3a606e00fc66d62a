"""Makes `.venv` hold exactly what the lock of one device names, and this project.

Needs nothing but Python's own library. The work has two phases: *packages* (the lock, installed by
uv) and *project* (this tree, editable). A phase ends by writing a marker with the digest of all
that went into it. While the digest is right the phase is skipped: a run with nothing to do ends at
once, and a run that was interrupted is completed by the next one.

Whatever stops the work is told in one line on stderr, with exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from installer import OTHER_SOURCES, Uv, check_shown, finding_torch, install_uv, reason, run
from machine import (
    SetupError,
    check_library,
    check_platform,
    check_python,
    check_space,
    glibc_version,
    one_at_a_time,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parent.parent
INSTALLER_LOCK = "setup/installer.lock"
SOURCE_FOLDERS = ("clients", "registry", "server", "training")
CHANGING = "medley-changing"  # in the environment while its packages change
SPACE_GB = {"cpu": 4, "cuda": 10}
"""The devices, and the disk their packages take, uv's cache included."""


class Environment(NamedTuple):
    """The virtual environment of one tree, made for one device."""

    root: Path
    device: str

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def lock(self) -> Path:
        return self.root / "setup" / f"{self.device}.lock"


class Phase(NamedTuple):
    """A part of the set-up; it is done while its marker holds the digest of its inputs."""

    name: str
    inputs: tuple[str, ...]
    """Patterns of the files whose change makes the phase due again."""
    install: Callable[[Environment], None]

    def marker(self, environment: Environment) -> Path:
        return environment.folder / f"medley-{self.name}"

    def digest(self, environment: Environment) -> str:
        """Of all that decides the outcome: device, Python, place (scripts hold it), files."""
        facts = (environment.device, sys.version_info[:2], str(environment.root))
        total = hashlib.sha256(repr(facts).encode())
        for pattern in self.inputs:
            for path in sorted(environment.root.glob(pattern.format(device=environment.device))):
                total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    def is_done(self, environment: Environment) -> bool:
        done = f"{environment.device} {self.digest(environment)}"
        return environment.python.exists() and read(self.marker(environment)) == done

    def run(self, environment: Environment) -> None:
        """Installs. The marker names the device from the start, and has the digest at the end."""
        marker = self.marker(environment)
        marker.write_text(f"{environment.device} unfinished")
        self.install(environment)
        marker.write_text(f"{environment.device} {self.digest(environment)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 stopped with one line on stderr."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Makes or refreshes .venv.")
    parser.add_argument("--device", help="cpu or cuda; default: as last time, else cpu")
    parser.add_argument("--packages-only", action="store_true", help="leave the project out")
    options = parser.parse_args(arguments)
    try:
        check_python(sys.version_info[:2])
        environment = Environment(ROOT, choose_device(options.device, ROOT))
        set_up(environment, PHASES[:1] if options.packages_only else PHASES)
    except SetupError as error:
        line = str(error)
    except OSError as error:
        line = f"{error.strerror}: {error.filename}"
    except KeyboardInterrupt:
        line = "interrupted; the next run goes on from here"
    else:
        return 0
    say(f"stopped: {line}")
    return 1


def choose_device(name: str | None, root: Path) -> str:
    """The named device, else the one `.venv` was last made for, else the CPU."""
    device = name or last_device(Environment(root, "cpu")) or "cpu"
    if device not in SPACE_GB:
        raise SetupError(f"there is no device {device!r}; DEVICE is {' or '.join(SPACE_GB)}")
    return device


def last_device(environment: Environment) -> str:
    return read(PACKAGES.marker(environment)).partition(" ")[0]


def set_up(environment: Environment, phases: Sequence[Phase]) -> None:
    """Runs the phases that are due.

    Raises:
        SetupError: the machine or the network lacks something.
        OSError: the tree's folder cannot be written.
    """
    if all(phase.is_done(environment) for phase in phases):
        return
    started = time.monotonic()
    check_platform(sys.platform, os.uname().machine, glibc_version())
    if environment.device == "cpu":
        check_library("libnuma.so.1", "libnuma1")
    if last_device(environment) != environment.device:
        check_space(environment.root, SPACE_GB[environment.device])
    with one_at_a_time(environment.root):
        make_venv(environment.folder)
        for phase in phases:
            if not phase.is_done(environment):
                phase.run(environment)
    say(f"ready for {environment.device} after {time.monotonic() - started:.0f} s")


def make_venv(folder: Path) -> None:
    """Makes the virtual environment anew, unless it is there, whole, and for this Python."""
    if is_whole(folder):
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = "python{}.{}-venv".format(*sys.version_info)
        raise SetupError(
            f"this Python lacks ensurepip; on Debian and Ubuntu: apt install {package}"
        )
    say(f"making {folder} with Python {sys.version.split()[0]}")
    base = getattr(sys, "_base_executable", sys.executable)  # not the environment to be cleared
    made = run([base, "-I", "-m", "venv", "--clear", str(folder)])
    if made.returncode != 0:
        raise SetupError(f"cannot make {folder}: {reason(made)}")


def is_whole(folder: Path) -> bool:
    """Whether `folder` is an environment of the running Python, unmoved, and with whole packages.

    A half installed package is one that uv takes for installed, and would not mend.
    """
    library = folder / "lib" / "python{}.{}".format(*sys.version_info)
    last_made = folder / "bin" / "pip"
    is_in_place = str(folder / "bin") in read(last_made)
    is_usable = (folder / "bin" / "python").exists() and library.is_dir()
    return is_in_place and is_usable and not (folder / CHANGING).exists()


def install_packages(environment: Environment) -> None:
    """Brings the environment to the lock: what is missing comes, what the lock has not goes."""
    uv = install_uv(environment.folder, environment.root / INSTALLER_LOCK)
    sync = ["sync", "--require-hashes", str(environment.lock)]
    if environment.device == "cpu":
        uv = finding_torch(uv, ["--constraint", str(environment.lock), "torch"])
    else:
        sync += ["--constraint", str(environment.root / "setup" / "cuda.constraint")]
    plan = uv.pip(*sync, "--dry-run")
    if plan.returncode != 0:
        raise SetupError(f"cannot install {environment.lock.name}: {reason(plan)}; {OTHER_SOURCES}")
    say(f"installing {environment.lock.name}; the first time this takes minutes")
    changing = environment.folder / CHANGING
    changing.touch()
    check_shown(uv.pip(*sync, "--compile-bytecode", is_shown=True), environment.root)
    changing.unlink()


def install_project(environment: Environment) -> None:
    """Installs this tree, editable, and compiles it: Python may be told not to write bytecode."""
    uv = Uv(environment.folder, {})
    editable = ("install", "--no-deps", "--no-build-isolation", "--editable")
    done = uv.pip(*editable, str(environment.root))
    if done.returncode != 0:
        raise SetupError(f"cannot install the project: {reason(done)}")
    sources = [str(environment.root / folder) for folder in SOURCE_FOLDERS]
    run([str(environment.python), "-I", "-m", "compileall", "-q", *sources])


def read(path: Path) -> str:
    """The file's text, empty if there is none."""
    return path.read_text() if path.is_file() else ""


PACKAGES = Phase(
    "packages", ("setup/*.py", INSTALLER_LOCK, "setup/{device}.lock"), install_packages
)
PROJECT = Phase("project", (*PACKAGES.inputs, "pyproject.toml"), install_project)
PHASES = (PACKAGES, PROJECT)

if __name__ == "__main__":
    sys.exit(main())
