"""The phases of the set-up, and what stops it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bootstrap
import pytest
from bootstrap import Environment, Phase, choose_device, is_whole, set_up
from machine import SetupError

SETUP = Path(bootstrap.__file__).parent


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A tree whose environment looks finished to the set-up."""
    environment = Environment(tmp_path, "cpu")
    (environment.folder / "bin").mkdir(parents=True)
    (environment.folder / "lib" / "python{}.{}".format(*sys.version_info)).mkdir(parents=True)
    (environment.folder / "bin" / "pip").write_text(f"#!{environment.python}\n")
    environment.python.symlink_to(sys.executable)
    (tmp_path / "cpu.lock").write_text("numpy==2.3.5\n")
    return environment


class Recorder:
    """Stands for the installing, and counts it."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.runs = 0

    def __call__(self, environment: Environment) -> None:
        self.runs += 1
        if self.failures:
            raise self.failures.pop()


def phase_of(recorder: Recorder) -> Phase:
    return Phase("packages", ("*.lock",), recorder)


def test_a_second_run_installs_nothing(environment: Environment) -> None:
    recorder = Recorder()

    set_up(environment, [phase_of(recorder)])
    set_up(environment, [phase_of(recorder)])

    assert recorder.runs == 1


def test_a_new_lock_is_installed(environment: Environment) -> None:
    recorder = Recorder()
    set_up(environment, [phase_of(recorder)])

    (environment.root / "cpu.lock").write_text("numpy==2.3.6\n")
    set_up(environment, [phase_of(recorder)])

    assert recorder.runs == 2


def test_a_run_that_was_interrupted_is_completed_by_the_next(environment: Environment) -> None:
    recorder = Recorder(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        set_up(environment, [phase_of(recorder)])

    set_up(environment, [phase_of(recorder)])
    set_up(environment, [phase_of(recorder)])

    assert recorder.runs == 2


def test_another_device_is_installed_and_then_kept(environment: Environment) -> None:
    recorder = Recorder()
    set_up(environment, [phase_of(recorder)])

    set_up(environment._replace(device="cuda"), [phase_of(recorder)])

    assert recorder.runs == 2
    assert choose_device(None, environment.root) == "cuda"


def test_the_device_is_the_cpu_until_one_is_named(tmp_path: Path) -> None:
    assert choose_device(None, tmp_path) == "cpu"
    assert choose_device("cuda", tmp_path) == "cuda"


def test_an_unknown_device_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="'tpu'; DEVICE is cpu or cuda"):
        choose_device("tpu", tmp_path)


def test_an_environment_is_whole_only_while_it_is_finished_and_in_place(
    environment: Environment,
) -> None:
    assert is_whole(environment.folder)

    moved = environment.folder.rename(environment.root / "moved")
    assert not is_whole(moved)

    environment = environment._replace(root=environment.root / "fresh")
    assert not is_whole(environment.folder)


def test_an_environment_whose_packages_were_changing_is_made_anew(environment: Environment) -> None:
    (environment.folder / bootstrap.CHANGING).touch()

    assert not is_whole(environment.folder)


def test_a_python_without_ensurepip_names_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(SetupError, match=r"apt install python3\.1[12]-venv"):
        bootstrap.make_venv(tmp_path / ".venv")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, holding the set-up's scripts; options by remounting."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("needs root to mount a file system")
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody mount")
    try:
        shutil.copytree(SETUP, tmp_path / "setup", ignore=shutil.ignore_patterns("*.lock"))
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def run_bootstrap(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-E", "-s", str(root / "setup" / "bootstrap.py"), "--device=cpu"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_disk_without_room_is_one_line_before_anything_is_written(mounted: Path) -> None:
    stopped = run_bootstrap(mounted)

    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.startswith(f"set-up: stopped: {mounted} has 0.0 GB of disk left")
    assert len(stopped.stderr.splitlines()) == 1
    assert not (mounted / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_one_line(mounted: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro,size=9g", str(mounted)], check=True)

    stopped = run_bootstrap(mounted)

    assert stopped.returncode == 1
    assert "Read-only file system" in stopped.stderr.splitlines()[-1]
    assert "Traceback" not in stopped.stderr
