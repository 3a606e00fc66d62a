"""One of Flower's own programs as a child of this process.

It is started through `medley_training.flower.__main__`, so that it ends when this process does,
however that ends; in a session of its own, so that a Ctrl-C at the terminal reaches only us and
we stop it in order; and with everything off that would leave this machine.
"""

import logging
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from medley_registry.durable import disk_errors

from medley_training.flower.key_file import OWNER_ONLY

Program = Literal["superlink", "supernode"]

_GRACE_S = 3.0  # a SuperNode signs off in less; a SuperLink then waits for idle threads of its own
_TAIL_BYTES = 4000


class FlowerProcess:
    """A running SuperLink or SuperNode."""

    def __init__(self, program: Program, options: Sequence[str], *, folder: Path) -> None:
        """Start it.

        Args:
            program: Which one.
            options: Its command line.
            folder: Where its log goes, and what Flower keeps for itself.

        Raises:
            Unavailable: The folder cannot be written.
        """
        self._log = folder / f"{program}.log"
        entry = [sys.executable, "-m", "medley_training.flower", program, str(os.getpid())]
        with disk_errors(folder), self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*entry, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(folder / "flower-home"),
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The end of its log, and where the rest is."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - _TAIL_BYTES))
            lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line]
        return f"{' / '.join(lines[-3:])} ({self._log})"

    def stop(self) -> None:
        """Ask it to end, and end it after three seconds if it does not."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """What only we and a program that we start know.

    Attributes:
        value: The secret.
        options: What tells the program of it.
    """

    value: bytes
    options: tuple[str, str]


@contextmanager
def shared_secret(folder: Path) -> Iterator[SharedSecret]:
    """A new secret for a program of Flower's, which reads it from a file; gone afterwards.

    It keeps other users of this machine from taking up what comes in from outside.
    """
    path, value = folder / "secret", secrets.token_bytes(32)
    with disk_errors(folder):
        path.unlink(missing_ok=True)  # of a process that was killed
        path.touch(mode=OWNER_ONLY, exist_ok=False)
        path.write_bytes(value)
    try:
        yield SharedSecret(value, ("--superexec-auth-secret-file", str(path)))
    finally:
        path.unlink(missing_ok=True)


def free_port() -> int:
    """A port of this machine's loopback that nobody listened on just now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port: int = server.getsockname()[1]
        return port


def quiet_flower() -> None:
    """Keep Flower's part of *this* process from reporting home and from writing to the terminal.

    Must be called before anything else of ``flwr`` is imported: it reads this once.
    """
    os.environ.update(_SILENT)
    from flwr.common.logger import FLOWER_LOGGER

    FLOWER_LOGGER.setLevel(logging.ERROR)


_SILENT: Mapping[str, str] = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
}


def _environment(home: Path) -> dict[str, str]:
    # Below a warning Flower writes a line per call, several a second for as long as a run takes.
    own = {"FLWR_LOG_LEVEL": "WARNING", "FLWR_HOME": str(home.absolute())}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDLEY_")}
    return {**kept, **_SILENT, **own}
