"""The Makefile's search for a Python."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "setup" / "find_python.sh"


def find_python(*named: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPT), *named]
    return subprocess.run(
        command, env={"PATH": str(path)}, cwd=path, capture_output=True, text=True, check=False
    )


def add_python(folder: Path, name: str, *, body: str) -> None:
    python = folder / name
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)


def test_an_old_python_is_named_in_the_one_line_that_refuses_it(tmp_path: Path) -> None:
    add_python(tmp_path, "python3", body="echo 3.9")

    found = find_python(path=tmp_path)

    assert (found.returncode, found.stdout) == (1, "")
    assert len(found.stderr.splitlines()) == 1
    assert "needs Python 3.11 or 3.12. python3 is Python 3.9." in found.stderr


def test_no_python_at_all_is_one_line(tmp_path: Path) -> None:
    found = find_python(path=tmp_path)

    assert found.returncode == 1
    assert "None was found" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_name_that_fails_when_run_is_passed_over(tmp_path: Path) -> None:
    add_python(tmp_path, "python3.11", body="echo 'command not found' >&2; exit 127")
    add_python(tmp_path, "python3", body="echo 3.12")

    assert find_python(path=tmp_path).stdout == "python3\n"


def test_3_11_is_preferred_to_3_12(tmp_path: Path) -> None:
    add_python(tmp_path, "python3.12", body="echo 3.12")
    add_python(tmp_path, "python3.11", body="echo 3.11")

    assert find_python(path=tmp_path).stdout == "python3.11\n"


def test_a_named_python_is_the_only_one_tried(tmp_path: Path) -> None:
    add_python(tmp_path, "python3", body="echo 3.11")
    add_python(tmp_path, "mine", body="echo 3.10")

    found = find_python(str(tmp_path / "mine"), path=tmp_path)

    assert found.returncode == 1
    assert "mine is Python 3.10" in found.stderr
