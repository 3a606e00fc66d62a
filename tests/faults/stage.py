"""Where an operation runs, and the states it may start from."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from medley_registry import Digest, EvidenceKind, Registry, open_registry
from medley_registry.exchange.exporting import export_version
from medley_registry.signing import make_key
from medley_registry.upkeep import back_up

from tests.builders import TINY, make_adapter, make_base

NAME = "notes"
FIRST_RELEASE = Path(__file__).parents[1] / "contract/registry-0001.sql"


@dataclass(frozen=True, slots=True)
class Stage:
    """``disk`` holds the registry and all else that an operation changes, and is watched.

    ``inputs`` lies elsewhere and never fails.
    """

    disk: Path
    inputs: Path

    @property
    def registry(self) -> Path:
        return self.disk / "registry"

    @property
    def base(self) -> Path:
        return self.inputs / "base"

    @property
    def package(self) -> Path:
        """An exported version with a signature and evidence."""
        return self.inputs / "package"

    @property
    def backup(self) -> Path:
        return self.inputs / "backup"

    def adapter(self, content: int) -> Path:
        return self.inputs / f"adapter-{content}"

    def opened(self) -> Registry:
        return open_registry(self.registry)

    def copied(self, disk: Path) -> "Stage":
        """The same with a disk of its own."""
        if disk.exists():
            shutil.rmtree(disk)
        shutil.copytree(self.disk, disk)
        return Stage(disk, self.inputs)


def publish_one(registry: Registry, stage: Stage, *, content: int) -> None:
    registry.publish(stage.adapter(content), name=NAME, base=TINY, actor="ada")


def inputs_only(stage: Stage) -> None:
    make_base(stage.base)
    for content in (1, 2, 3):
        make_adapter(stage.adapter(content), fill=content)


def with_a_base(stage: Stage) -> None:
    inputs_only(stage)
    with open_registry(stage.registry, create=True) as registry:
        registry.add_base(TINY, stage.base, actor="ada")


def with_versions(stage: Stage) -> None:
    with_a_base(stage)
    with stage.opened() as registry:
        for content in (1, 2, 3):
            publish_one(registry, stage, content=content)


def with_moves(stage: Stage) -> None:
    with_versions(stage)
    with stage.opened() as registry:
        for number in (1, 2, 3):
            registry.promote(NAME, number, actor="ada")


def with_garbage(stage: Stage) -> None:
    """Deleted versions, of whose files some are still needed."""
    with_versions(stage)
    with stage.opened() as registry:
        for number in (1, 2):
            registry.lifecycle.delete(NAME, number, actor="ada", reason="too old")


def with_a_backup(stage: Stage) -> None:
    """A backup, and no registry."""
    with_moves(stage)
    with stage.opened() as registry:
        back_up(registry, stage.backup)
    shutil.rmtree(stage.registry)


def after_a_crash(stage: Stage) -> None:
    """The last writer died with its changes in the write-ahead log."""
    with_a_base(stage)
    child = os.fork()
    if child == 0:
        try:
            publish_one(stage.opened(), stage, content=3)
        finally:
            os._exit(0)  # nothing is closed
    os.waitpid(child, 0)
    assert (stage.registry / "registry.db-wal").stat().st_size > 0


def with_a_package(stage: Stage) -> None:
    """A registry that trusts the key by which another one has signed a version."""
    with_a_base(stage)
    key = make_key(stage.inputs / "key.pem")
    with open_registry(stage.inputs / "elsewhere", create=True) as elsewhere:
        elsewhere.add_base(TINY, stage.base, actor="bob")
        elsewhere.trust.add(key.public_key, name="bob", actor="bob")
        elsewhere.publish(stage.adapter(1), name=NAME, base=TINY, actor="bob", signer=key)
        elsewhere.evidence.add(
            NAME,
            1,
            kind=EvidenceKind.EVALUATION,
            suite="notes",
            suite_digest=Digest.of(b"suite"),
            environment={},
            metrics={"exact": 0.5},
            actor="bob",
        )
        export_version(elsewhere, f"{NAME}:1", stage.package, signer=key)
    with stage.opened() as registry:
        registry.trust.add(key.public_key, name="bob", actor="ada")


def of_the_first_release(stage: Stage) -> None:
    with_versions(stage)
    index = stage.registry / "registry.db"
    index.unlink()
    with closing(sqlite3.connect(index)) as connection:
        connection.executescript(FIRST_RELEASE.read_text())
