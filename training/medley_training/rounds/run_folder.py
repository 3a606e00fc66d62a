"""A run on disk: what a coordinator wrote is what it continues from.

    RUN/
    ├── recipe.json             the recipe, every default filled in
    ├── run.json                the run's identity; written last when a run is set up
    ├── coordinator-key.pem     signs tasks, tree heads and round statements
    ├── participants.json       whose signatures count, and when
    ├── log.jsonl               the Merkle log of accepted statements
    ├── events.jsonl            what happened, a line each
    ├── data.json               which labels are where, if all sites are on this machine
    ├── summary.json            what came of it; there when all rounds are done
    ├── plots/ · report.html    the same to look at
    ├── sites/NAME/             a site of this machine: its key, its answers, its receipts
    └── rounds/0001/            see `RoundFolder`

Every file is written aside, put on disk and renamed, so what has its final name is whole.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any

from medley_registry.durable import make_folder, replace_file

from medley_training.errors import RunDamaged, RunMismatch


class Phase(IntEnum):
    """How far a round has come; each phase ends with the file named here, written last."""

    FRESH = 0
    CONFIGURED = 1
    CLOSED = 2
    AGGREGATED = 3
    EVALUATED = 4
    PUBLISHED = 5
    ACKNOWLEDGED = 6

    @property
    def marker(self) -> str:
        """The file that says that a round has come so far."""
        return "round.json" if self is Phase.PUBLISHED else f"{self.name.lower()}.json"


class RoundFolder:
    """One round's files.

    rounds/0001/
    ├── start/                      the adapter that participants of full rank begin from
    ├── tasks/NAME.json             signed
    ├── configured.json
    ├── contributions/NAME.safetensors, NAME.statement.json (last)
    ├── refused/NAME.json           why
    ├── closed.json                 who is counted, with which weight
    ├── aggregate/served/, next/, state.safetensors
    ├── aggregated.json · evaluated.json
    ├── tree-head.json              signed: the log with this round's statements in it
    └── round.json                  the signed statement of the round
    """

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self.number = number

    @property
    def start(self) -> Path:
        """The folder of the start adapter."""
        return self.path / "start"

    @property
    def served(self) -> Path:
        """The folder of the aggregate that is published."""
        return self.path / "aggregate" / "served"

    @property
    def next_start(self) -> Path:
        """The folder of what the next round begins from."""
        return self.path / "aggregate" / "next"

    @property
    def state(self) -> Path:
        """The strategy's state after the round; missing where it has none."""
        return self.path / "aggregate" / "state.safetensors"

    def task(self, site: str) -> Path:
        """The signed task of a site."""
        return self.path / "tasks" / f"{site}.json"

    def contribution(self, site: str) -> Path:
        """What a site sent."""
        return self.path / "contributions" / f"{site}.safetensors"

    def statement(self, site: str) -> Path:
        """What the site signed about it; where this is, the contribution was admitted."""
        return self.path / "contributions" / f"{site}.statement.json"

    def refusal(self, site: str) -> Path:
        """Why a site's contribution is not counted."""
        return self.path / "refused" / f"{site}.json"

    @property
    def tree_head(self) -> Path:
        """The log's head, signed when the round was closed."""
        return self.path / "tree-head.json"

    def marker(self, phase: Phase) -> Path:
        """The file that ends a phase."""
        return self.path / phase.marker

    @property
    def phase(self) -> Phase:
        """The last phase that ended."""
        done = [phase for phase in Phase if phase and self.marker(phase).exists()]
        return max(done, default=Phase.FRESH)


class RunFolder:
    """One run's files; see the module's docstring."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def identity(self) -> Path:
        """``run.json``: a folder that has it is a run."""
        return self.path / "run.json"

    @property
    def recipe(self) -> Path:
        """The recipe as it was understood."""
        return self.path / "recipe.json"

    @property
    def key(self) -> Path:
        """The coordinator's private key."""
        return self.path / "coordinator-key.pem"

    @property
    def participants(self) -> Path:
        """Whose signatures count."""
        return self.path / "participants.json"

    @property
    def log(self) -> Path:
        """The Merkle log's leaves."""
        return self.path / "log.jsonl"

    @property
    def events(self) -> Path:
        """What happened, a JSON object per line."""
        return self.path / "events.jsonl"

    @property
    def summary(self) -> Path:
        """What a finished run came to."""
        return self.path / "summary.json"

    @property
    def data(self) -> Path:
        """How the data lies, where all sites are on this machine."""
        return self.path / "data.json"

    @property
    def plots(self) -> Path:
        """The folder of pictures."""
        return self.path / "plots"

    def site(self, name: str) -> Path:
        """The folder of a site that works on this machine."""
        return self.path / "sites" / name

    def round(self, number: int) -> RoundFolder:
        """A round's files, there or not."""
        return RoundFolder(self.path / "rounds" / f"{number:04d}", number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other coordinators off this run while the scope lasts.

        Raises:
            RunMismatch: Another process works on it.
        """
        make_folder(self.path)
        with (self.path / "run.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunMismatch(f"another process works on the run in {self.path}") from error
            yield


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that its name stands for all of it or nothing, even after a power loss."""
    make_folder(path.parent)
    replace_file(path, data)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON object with sorted keys, as `write_bytes` does."""
    write_bytes(path, (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises:
        RunDamaged: It is missing or holds no JSON object.
    """
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunDamaged(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise RunDamaged(f"{path} holds no JSON object")
    return value
