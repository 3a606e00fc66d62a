"""A coordinator and three sites as `medley` processes of this machine, set up by its commands."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from medley_training.commands.train import app
from medley_training.flower.process import free_port
from medley_training.recipe_file import load_recipe
from medley_training.rounds.event_log import read_events
from medley_training.rounds.events import Event
from medley_training.rounds.run_folder import RunFolder
from typer.testing import CliRunner

from tests.flower.installation import processes_of, until

SITES = load_recipe("smoke").sites.names
LONGEST_S = 600  # three sites, their nodes and a coordinator share what cores there are


class Federation:
    """Keys, certificates and the book of participants in one folder, and the processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.book = folder / "participants.json"
        self._key = folder / "coordinator-key.pem"
        self._sites: dict[str, subprocess.Popen[bytes]] = {}
        self._coordinators: list[subprocess.Popen[str]] = []
        self._set_up()

    def _set_up(self) -> None:
        certificates = self.folder / "certificates"
        medley("certificates", certificates, "--host", "127.0.0.1")
        medley("key", "make", self._key)
        for name in SITES:
            own = self.folder / name
            medley("node-key", own / "node.key")
            shutil.copy(own / "node.key.pub", certificates / "sites" / f"{name}.pub")
            medley("key", "make", own / "key.pem")
            shown = medley("key", "show", own / "key.pem")
            (own / "key.pub.pem").write_text(shown)
            medley("participant", "add", name, own / "key.pub.pem", "--book", self.book)
        (self.folder / "coordinator.pub.pem").write_text(medley("key", "show", self._key))

    def run_folder(self, name: str) -> RunFolder:
        """A run's folder that has the key which the sites know as their coordinator's."""
        path = self.folder / "runs" / name
        if not path.exists():
            path.mkdir(parents=True)
            shutil.copy2(self._key, path / "coordinator-key.pem")
        return RunFolder(path)

    def start_coordinator(self, run: RunFolder, recipe: str = "smoke") -> "subprocess.Popen[str]":
        command = [
            *(*_MEDLEY, "coordinator", recipe, "--json", "--wait", str(len(SITES))),
            *("--run-dir", str(run.path), "--listen", self.address),
            *("--certificates", str(self.folder / "certificates")),
            *("--participants", str(self.book)),
        ]
        with (self.folder / "coordinator.log").open("a") as log:
            process = _start(command, stdout=subprocess.PIPE, log=log)
        self._coordinators.append(process)
        return process

    def soon(self, is_so: Callable[[], bool], coordinator: "subprocess.Popen[str]") -> None:
        """Wait for what the coordinator's run brings about, for as long as it runs."""

        def ended_or_so() -> bool:
            assert coordinator.poll() is None, self.last_words()
            return is_so()

        until(ended_or_so, patience_s=LONGEST_S, otherwise=self.last_words)

    def last_words(self) -> str:
        """The end of every log, those of Flower's own programs too."""
        logs = sorted(self.folder.rglob("*.log"))
        return "\n".join(
            f"{log.relative_to(self.folder)}: {log.read_text(errors='replace')[-1500:]}"
            for log in logs
        )

    def finish(self, coordinator: "subprocess.Popen[str]") -> dict[str, Any]:
        """Wait for the run's end; what the coordinator printed."""
        try:
            out, _ = coordinator.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the run did not end:\n{self.last_words()}") from None
        assert coordinator.returncode == 0, self.last_words()
        return dict(json.loads(out.splitlines()[-1]))

    def start_sites(self) -> None:
        """Start the sites that do not run."""
        for name in SITES:
            if name not in self._sites:
                self.start_site(name)

    def start_site(self, name: str) -> None:
        own = self.folder / name
        command = [
            *(*_MEDLEY, "site", "--name", name, "--coordinator", self.address),
            *("--recipe", "smoke", "--patience", str(LONGEST_S)),
            *("--authority", str(self.folder / "certificates" / "ca.pem")),
            *("--node-key", str(own / "node.key"), "--key", str(own / "key.pem")),
            *("--coordinator-key", str(self.folder / "coordinator.pub.pem")),
            *("--folder", str(own / "site")),
        ]
        with self.site_log(name).open("a") as log:
            self._sites[name] = _start(command, stdout=subprocess.DEVNULL, log=log)

    def site_log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def end_site(self, name: str, how: signal.Signals) -> int:
        """Send a site's own process a signal; returns what it exits with, with all it had gone."""
        process = self._sites.pop(name)
        process.send_signal(how)
        code = process.wait(timeout=LONGEST_S)
        until(lambda: not processes_of(self.folder / name), patience_s=LONGEST_S)
        return code

    def stop_all(self) -> None:
        """End every process, whatever a test did."""
        started: list[subprocess.Popen[Any]] = [*self._sites.values(), *self._coordinators]
        for process in started:
            self.kill(process)
        self._sites.clear()

    def kill(self, process: "subprocess.Popen[Any]") -> None:
        """End a process at once."""
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


_MEDLEY = (sys.executable, "-m", "medley.cli", "train")


def medley(*arguments: str | Path) -> str:
    """What a short command of ``medley train`` prints."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def events(run: RunFolder, kind: type[Event], **fields: object) -> list[Any]:
    """A run's events so far of one kind, with these values."""
    return [
        event
        for event in read_events(run.events)
        if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items())
    ]


def _start(command: list[str], *, stdout: int, log: TextIO) -> "subprocess.Popen[Any]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("MEDLEY_REGISTRY", None)
    return subprocess.Popen(command, stdout=stdout, stderr=log, text=True, env=environment)
