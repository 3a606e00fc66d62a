"""A coordinator's installation and its sites as processes of this machine, for the tests."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

from medley_training.flower.certificates import CertificateFolder, make_certificates
from medley_training.flower.coordinator import serve_coordinator
from medley_training.flower.node_key import make_node_key
from medley_training.flower.process import free_port
from medley_training.flower.sites import FlowerSites
from medley_training.rounds.transport import Question, Request, Response

SITES = ("north", "south", "west")
PATIENCE_S = 300.0


class Installation:
    """Keys and certificates in one folder, and a process per site."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.certificates: CertificateFolder = make_certificates(folder / "certificates", [])
        self.sites: FlowerSites
        self._serving = ExitStack()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in SITES:
            public = make_node_key(self.node_key(name))
            public.rename(self.certificates.path / "sites" / f"{name}.pub")

    def node_key(self, name: str) -> Path:
        return self.folder / name / "node.key"

    def serve(self) -> None:
        """Begin a coordinator, in the place of the one before if there was one."""
        self._serving.close()
        self.sites = self._serving.enter_context(
            serve_coordinator(
                self.folder / "superlink",
                listen=f"127.0.0.1:{self.port}",
                certificates=self.certificates,
            )
        )

    def start(self, name: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [
            *(sys.executable, "-m", "tests.flower.echo_site"),
            *("--coordinator", f"127.0.0.1:{self.port}"),
            *("--authority", str(self.certificates.authority)),
            *("--node-key", str(self.node_key(name))),
            *("--folder", str(self.folder / name)),
            *("--patience-s", "120"),  # if the tests themselves are killed
        ]
        with self.log(name).open("ab") as log:
            process = subprocess.Popen([*command, *options], stderr=log)
        self._running.setdefault(name, process)
        return process

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start_all(self) -> None:
        """Start the sites that do not run, and wait until all answer."""
        for name in SITES:
            if name not in self._running:
                self.start(name)
        # A site that knocks is connected for a moment, before its node is.
        question = dict.fromkeys(SITES, Request(Question.RECEIPT, "{}"))
        answers = dict(self.sites.ask(question, deadline_s=PATIENCE_S))
        assert all(isinstance(answer, Response) for answer in answers.values()), answers

    def cut_power(self, name: str) -> None:
        """End a site's two processes at once, without a chance to sign off."""
        for process in self.processes(str(self.folder / name)):
            os.kill(process, signal.SIGKILL)
        self._running.pop(name).wait()

    def kill(self, name: str) -> None:
        """End a site's own process, and see its SuperNode follow."""
        process = self._running.pop(name)
        process.kill()
        process.wait()
        until(lambda: not self.processes(str(self.folder / name)))

    def kill_superlink(self) -> None:
        (process,) = self.processes("medley_training.flower superlink")
        os.kill(process, signal.SIGKILL)

    def has_told_of_a_question(self, since: float) -> bool:
        """Whether a site knows of a question that was asked since then, by the clock."""
        database = self.folder / "superlink" / "superlink.sqlite"
        told = "SELECT 1 FROM message_ins WHERE delivered_at != '' AND created_at > ?"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            return opened.execute(told, (since,)).fetchone() is not None

    def stop_all(self) -> None:
        """End every process of this installation, whatever a test did."""
        for process in self._running.values():
            process.kill()
            process.wait()
        self._running.clear()
        self._serving.close()

    def process(self, name: str) -> int:
        """The process of a site that runs."""
        process = self._running[name]
        assert process.poll() is None
        return process.pid

    def processes(self, words: str = "") -> list[int]:
        """The processes that name this installation's folder, and these words."""
        return processes_of(self.folder, words)


def processes_of(folder: Path, words: str = "") -> list[int]:
    """The processes that name a folder, and these words, on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended since
        if str(folder) in command and words in command:
            found.append(int(path.parent.name))
    return found


def until(
    is_so: Callable[[], bool],
    *,
    patience_s: float = PATIENCE_S,
    otherwise: Callable[[], str] = lambda: "it did not happen",
) -> None:
    """Wait for something that takes a moment; what `otherwise` gives says why it did not come."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.1)
