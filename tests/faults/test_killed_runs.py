"""A run whose process is killed again and again ends as if nothing had happened."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from medley_training.rounds.event_log import read_events
from medley_training.rounds.events import Contributed, RunStarted
from medley_training.rounds.run_folder import RunFolder
from medley_training.rounds.verifying import open_verifier

PATIENCE_S = 300.0


@dataclass(frozen=True)
class Command:
    """``medley train run smoke`` on one folder, in a process of its own."""

    folder: Path

    @property
    def events(self) -> Path:
        return RunFolder(self.folder).events

    @contextmanager
    def started(self, *options: str) -> Iterator["subprocess.Popen[str]"]:
        arguments = ["run", "smoke", "--run-dir", str(self.folder), "--json", "--quiet", *options]
        environment = {k: v for k, v in os.environ.items() if k != "MEDLEY_REGISTRY"}
        with (
            self.folder.with_suffix(".stderr").open("a") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", "medley.cli", "train", *arguments],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**environment, "OMP_NUM_THREADS": "1"},
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def finish(self) -> dict[str, Any]:
        """Let it go on to its end; what it says last."""
        with self.started() as process:
            said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, self.folder.with_suffix(".stderr").read_text()
        summary: dict[str, Any] = json.loads(said.splitlines()[-1])
        return summary

    def kill_at(self, event: str, *options: str) -> list[psutil.Process]:
        """Let it go on until it writes this down, and kill it; the processes it leaves behind."""
        before = self.events.stat().st_size if self.events.exists() else 0
        with self.started(*options) as process:
            end = time.monotonic() + PATIENCE_S
            while not self._says(event, before):
                assert process.poll() is None, self.folder.with_suffix(".stderr").read_text()
                assert time.monotonic() < end, f"no {event}"
                time.sleep(0.001)
            left = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.wait()
        return left

    def _says(self, event: str, before: int) -> bool:
        if not self.events.exists():
            return False
        with self.events.open("rb") as stream:
            stream.seek(before)
            return f'"event":"{event}"'.encode() in stream.read()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return Command(tmp_path_factory.mktemp("undisturbed") / "run").finish()


@dataclass(frozen=True)
class Killed:
    """What came of a run that was killed four times in its first round."""

    folder: Path
    summary: dict[str, Any]
    orphans: list[psutil.Process]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    command = Command(tmp_path_factory.mktemp("killed") / "run")
    command.kill_at("contributed")  # the other two sites have sent nothing yet
    orphans = command.kill_at("step", "--workers", "2")  # a site is at work, or two
    command.kill_at("closed")  # the aggregate is being computed
    command.kill_at("aggregated")  # and not yet evaluated or published
    return Killed(command.folder, command.finish(), orphans)


def test_a_killed_run_ends_with_the_same_digests(
    undisturbed: dict[str, Any], killed: Killed
) -> None:
    kept = ("round", "digest", "weights", "pooled", "scores", "rank", "refused")

    assert killed.summary["digest"] == undisturbed["digest"]
    assert [{name: each[name] for name in kept} for each in killed.summary["rounds"]] == [
        {name: each[name] for name in kept} for each in undisturbed["rounds"]
    ]


def test_it_went_on_each_time_and_did_nothing_again(killed: Killed) -> None:
    events = read_events(RunFolder(killed.folder).events)
    contributed = Counter((e.round, e.site) for e in events if isinstance(e, Contributed))

    resumed = [event.resumed for event in events if isinstance(event, RunStarted)]
    assert resumed == [False, True, True, True, True]
    assert contributed[1, "brannock"] == 1
    assert len(contributed) == 6


def test_a_killed_run_verifies(killed: Killed) -> None:
    verifier = open_verifier(killed.folder, coordinator=None, book=None)

    assert [verified.round for verified in verifier.verify()] == [1, 2]


def test_a_killed_coordinator_leaves_no_process_behind(killed: Killed) -> None:
    assert killed.orphans
    _, alive = psutil.wait_procs(killed.orphans, timeout=PATIENCE_S)

    assert alive == []
