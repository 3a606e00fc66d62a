"""The commands that call a server, in this process and on a terminal of their own."""

import io
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.unit.registry.commands.shell import Done, medley

PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is an interrupt
import medley.cli
medley.cli.main(sys.argv[1:])
"""


def run(*words: object, typed: str = "", **environment: str) -> Done:
    """Run a command in this process; what is typed comes from what is no terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        return medley(*words, **environment)


class Terminal:
    """A command on a terminal; `shown` grows with what it shows there."""

    def __init__(self, *words: object) -> None:
        self._ours, its = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        command = [sys.executable, "-c", PROGRAM, *map(str, words)]
        self.process = subprocess.Popen(
            command,
            stdin=its,
            stdout=its,
            stderr=its,
            env=environment,
            start_new_session=True,
        )
        os.close(its)
        self.shown = ""
        self._more = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def wait_for(self, wanted: str, *, after: int = 0, limit_s: float = 30) -> int:
        """Where the wanted text ends in what is shown."""
        with self._more:
            if not self._more.wait_for(lambda: wanted in self.shown[after:], limit_s):
                raise AssertionError(f"{wanted!r} is not shown: {self.shown[-2000:]!r}")
            return self.shown.index(wanted, after) + len(wanted)

    def press(self, key: str, *, until: str, after: int) -> int:
        """Press a key again until it is heard: what comes while a line is drawn may be lost."""
        for _ in range(10):
            self.type(key)
            with suppress(AssertionError):
                return self.wait_for(until, after=after, limit_s=2)
        raise AssertionError(f"{until!r} is not shown: {self.shown[-2000:]!r}")

    def end(self) -> int:
        """The exit code of the command, which must be about to end."""
        try:
            return self.process.wait(30)
        finally:
            self.close()

    def close(self) -> None:
        """End the command whatever it does."""
        if not self._reading.is_alive() and self.process.returncode is not None:
            return
        self.process.kill()
        self.process.wait()
        self._reading.join()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # how Linux tells that nobody is at the other end any more
                os.close(self._ours)
                return
            with self._more:
                self.shown += piece.decode(errors="replace")
                self._more.notify_all()


Start = Callable[..., Terminal]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts commands on terminals; none outlives the test."""
    started: list[Terminal] = []

    def start(*words: object) -> Terminal:
        started.append(Terminal(*words))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()
