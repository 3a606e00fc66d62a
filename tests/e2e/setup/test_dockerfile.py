"""The image's install steps, run in a clean folder: there is no Docker engine on most machines."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def steps(target: str) -> list[list[str]]:
    """The words of each instruction of one target."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    instructions = [shlex.split(line, comments=True) for line in text.splitlines()]
    start = next(
        i for i, words in enumerate(instructions) if words[:1] == ["FROM"] and words[-1] == target
    )
    rest = instructions[start + 1 :]
    end = next((i for i, words in enumerate(rest) if words[:1] == ["FROM"]), len(rest))
    return [words for words in rest[:end] if words]


def copy_into(folder: Path, sources: list[str]) -> None:
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(
                ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / source, folder / source)


@pytest.mark.e2e
def test_the_cpu_image_installs_a_command_that_starts(tmp_path: Path) -> None:
    for instruction, *words in steps("cpu"):
        if instruction == "COPY":
            copy_into(tmp_path, words[:-1])
        if instruction == "RUN" and "setup/bootstrap.py" in words:
            arguments = words[words.index("setup/bootstrap.py") :]
            subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True)

    installed = subprocess.run(
        [tmp_path / ".venv" / "bin" / "medley", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "serve" in installed.stdout
    shutil.rmtree(tmp_path / ".venv")  # gigabytes


def test_both_targets_take_the_same_steps() -> None:
    cpu, cuda = (
        [words for words in steps(target) if words[0] == "COPY"] for target in ("cpu", "cuda")
    )

    assert cpu == cuda
