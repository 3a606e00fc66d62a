"""pip and uv: where they look for packages, how they are run, and what they say when they fail."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from machine import SetupError, check_space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Finished = subprocess.CompletedProcess[str]

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
PIP_TO_UV = {  # uv does not read pip's settings, and a machine is often set up for pip alone
    "cert": "SSL_CERT_FILE",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
}
OTHER_SOURCES = "set PIP_INDEX_URL to an index, or PIP_FIND_LINKS to a folder of wheels, in reach"


class Uv(NamedTuple):
    """uv, installed in the virtual environment it works on."""

    folder: Path
    variables: Mapping[str, str]
    """Where to look for packages."""
    asks_index: bool = True
    """Whether to look beyond folders and pages of wheels."""

    def pip(self, *arguments: str, is_shown: bool = False) -> Finished:
        """Runs `uv pip`; shown, its progress and its errors go to the terminal."""
        command = [str(self.folder / "bin" / "uv"), "pip", *arguments]
        if not self.asks_index:
            command.append("--no-index")
        environ = {**os.environ, **self.variables, "VIRTUAL_ENV": str(self.folder)}
        return run(command, environ, is_shown=is_shown)

    def with_links(self, link: str) -> Uv:
        """The same, also looking at one more folder or page of wheels."""
        links = self.variables.get("UV_FIND_LINKS", os.environ.get("UV_FIND_LINKS", ""))
        joined = ",".join(filter(None, [links, link]))
        return self._replace(variables={**self.variables, "UV_FIND_LINKS": joined})


def install_uv(folder: Path, lock: Path) -> Uv:
    """Installs the uv that `lock` names by pip, and makes it find what pip would find."""
    pip = (str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check")
    options = ("--quiet", "--retries=2", "--require-hashes", "--requirement", str(lock))
    done = run([*pip, "install", *options])
    if done.returncode != 0:
        raise SetupError(f"pip cannot install uv: {reason(done)}; {OTHER_SOURCES}")
    settings = pip_settings(run([*pip, "config", "list"]).stdout)
    asks_index = settings.get("no-index", "0").lower() in {"", "0", "false", "no", "off"}
    return Uv(folder, uv_variables(settings, os.environ), asks_index)


def pip_settings(printed: str) -> dict[str, str]:
    """What is in force of the settings that `pip config list` printed."""
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # pip's order: a later one wins
        for key, value in re.findall(rf"^{section}\.([\w-]+)=(.+)$", printed, re.MULTILINE):
            settings[key] = str(ast.literal_eval(value))
    return settings


def uv_variables(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The settings of pip under uv's names; what `environ` already says to uv stays."""
    links = settings.get("find-links", "").split()
    present = ",".join(link for link in links if is_present(link))
    translated = {
        PIP_TO_UV[key]: value
        for key, value in {**settings, "find-links": present}.items()
        if key in PIP_TO_UV and value
    }
    return {name: value for name, value in translated.items() if name not in environ}


def is_present(link: str) -> bool:
    """Whether a place for wheels can be asked: pip passes over missing folders, uv fails."""
    return "://" in link or Path(link).exists()


def finding_torch(uv: Uv, requirement: Sequence[str]) -> Uv:
    """A uv that finds torch's CPU build as `requirement` tells it; PyPI does not have it.

    PyTorch's index is asked only where the other sources lack the wheel for this Python, and only
    for torch: it also holds old versions of what others need.
    """
    plan = ("install", "--dry-run", "--no-deps", *requirement)
    if uv.pip(*plan).returncode == 0:
        return uv
    index = os.environ.get("MEDLEY_TORCH_INDEX", TORCH_INDEX).rstrip("/")
    uv = uv.with_links(f"{index}/torch/")
    planned = uv.pip(*plan)
    if planned.returncode != 0:
        python = "{}.{}".format(*sys.version_info)
        raise SetupError(
            f"no folder of PIP_FIND_LINKS has the CPU build of torch for Python {python}, and "
            f"{reason(planned)}; put its wheel there, or name a mirror in MEDLEY_TORCH_INDEX"
        )
    return uv


def run(
    command: Sequence[str], environ: Mapping[str, str] | None = None, *, is_shown: bool = False
) -> Finished:
    stream = None if is_shown else subprocess.PIPE
    return subprocess.run(
        command,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=stream,
        stderr=stream,
        text=True,
        check=False,
    )


def check_shown(done: Finished, folder: Path) -> None:
    """Refuses to go on after a run whose errors went to the terminal."""
    if done.returncode != 0:
        check_space(folder, needed_gb=1)
        raise SetupError("uv says why above; the next run goes on from here")


def reason(failed: Finished) -> str:
    """One line out of what pip, venv or uv printed before it failed."""
    text = failed.stderr + failed.stdout
    if "No space left" in text:
        return "no space is left on the disk"
    if unreachable := re.search(r"Failed to fetch: `?([^\s`]+)|Retrying .* after connection", text):
        return f"{unreachable[1] or 'the package index'} cannot be reached"
    errors = re.findall(r"^ *(?:error|cause|Caused by): (.+)", text, re.MULTILINE | re.IGNORECASE)
    return str((errors or text.strip().splitlines() or ["no reason given"])[-1])
