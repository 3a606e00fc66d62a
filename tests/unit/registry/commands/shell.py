"""The `medley` command, in this process and as a process on a terminal of its own."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
from medley.cli import main
from typer.main import get_command

COMMAND = (sys.executable, "-m", "medley.cli")


@dataclass(frozen=True)
class Done:
    exit_code: object
    stdout: str
    stderr: str


def medley(*arguments: object, **environment: str) -> Done:
    """Run a command in this process, with these variables set besides."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as exit_:
            main([*map(str, arguments)])
    return Done(exit_.value.code, output.getvalue(), errors.getvalue())


def shell(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def on_terminal(*arguments: object, keys: str = "") -> tuple[int, str]:
    """Run a command on a terminal on which `keys` are typed; gives what it shows there."""
    ours, its = pty.openpty()
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        os.write(ours, keys.encode())
        shown = b"".join(_read(ours))
    os.close(ours)
    return process.returncode, shown.decode()


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # how Linux tells that nobody is at the other end any more
            return
        if not chunk:
            return
        yield chunk


def all_commands() -> dict[str, object]:
    """Every command of `adapter`, `base` and `registry` by its words."""
    from medley_registry.commands import adapter, base, registry

    found: dict[str, object] = {}
    for name, part in (("adapter", adapter.app), ("base", base.app), ("registry", registry.app)):
        _walk(name, get_command(part), found)
    return found


def _walk(name: str, command: object, found: dict[str, object]) -> None:
    inner = getattr(command, "commands", None)
    if inner is None:
        found[name] = command
        return
    for word, below in inner.items():
        _walk(f"{name} {word}", below, found)
