"""`medley serve` in a process of its own, with its log in a file.

The demo, benchmarks and evaluations measure and show what is served, so they start what serves.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from medley_registry.location import Location, locate

from medley.errors import ServerDidNotStart

START_LIMIT_S = 600
STOP_LIMIT_S = 30
# What the environment says of proxies is for other machines than this one.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port(wanted: int) -> int:
    """`wanted` if nothing listens there, else a port the system picks."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """A context manager: started on entry, ready after `wait`, stopped on exit.

    If this process is killed the server ends too (`medley.tethered`), so enter in a thread that
    stays.
    """

    def __init__(
        self,
        base: str,
        registry: Location | Path | str,
        *,
        log: Path,
        port: int | None = None,
        home: Path | None = None,
        options: Sequence[str] = (),
        engine_flags: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Serves `base` with the adapters of `registry`.

        Args:
            base: a registered base.
            registry: where the registry is; an address without more is taken as `locate` takes it.
            log: the file that takes what the server prints.
            port: a free one; None for any.
            home: MEDLEY_HOME of the server; None for this process's own.
            options: more of `medley serve`'s own, such as ``("--variant", "nf4")``.
            engine_flags: for vLLM.
            environment: variables of the server, on top of this process's; of those it does not
                get MEDLEY_API_KEY, for only this machine can reach it.
        """
        inherited = {name: told for name, told in os.environ.items() if name != "MEDLEY_API_KEY"}
        told = {"MEDLEY_HOME": str(home)} if home else {}
        self._environment = inherited | told | _where(registry) | dict(environment or {})
        port = free_port(0) if port is None else port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log
        self._command = [sys.executable, "-m", "medley.tethered", str(os.getpid())]
        self._command += ["serve", "--base", base, "--port", str(port), *options]
        self._command += ["--", *engine_flags]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's process, whose children hold the engine; None before it is started."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            # A session of its own: Ctrl-C reaches the demo, which stops the server in order.
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment,
            )
        return self

    def wait(self) -> float:
        """Waits until the server is ready; the seconds it took.

        Raises:
            ServerDidNotStart: it ended, or took longer than ten minutes; shows the end of its log.
        """
        started = time.monotonic()
        while time.monotonic() - started < START_LIMIT_S:
            if self.health() is not None:
                return time.monotonic() - started
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.25)
        tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        raise ServerDidNotStart(f"the server did not start; the end of {self._log}:\n{tail}")

    def health(self) -> dict[str, Any] | None:
        """What `GET /health` says; None while nobody answers."""
        try:
            with _DIRECTLY.open(f"{self.url}/health", timeout=5) as answer:
                body: dict[str, Any] = json.load(answer)
                return body
        except (OSError, ValueError, HTTPException):  # nobody there, or somebody else
            return None

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)  # the engine's processes too
            self._process.wait()


def _where(registry: Location | Path | str) -> dict[str, str]:
    """Variables that name a registry; arguments would show everybody the password in an address."""
    place = registry if isinstance(registry, Location) else locate(registry)
    return {
        "MEDLEY_REGISTRY": str(place.index),
        "MEDLEY_BLOBS": str(place.blobs),
        "MEDLEY_TENANT": place.tenant or "",
    }
