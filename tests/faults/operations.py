"""The operations that must survive anything.

An act can be repeated, like a client's retry: it looks at what stands and does what is missing.
It acknowledges each change when the registry's call has returned, and may check its own result.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from medley_registry import FileEntry, NameTaken, Registry, VersionState, open_registry
from medley_registry.backends.migrating import migrate_sqlite_index
from medley_registry.digest import digest_stream
from medley_registry.exchange.exporting import export_version
from medley_registry.exchange.foreign_folder import ForeignFolder
from medley_registry.exchange.importing import import_version
from medley_registry.exchange.layout import place_of
from medley_registry.exchange.package import read_package
from medley_registry.upkeep import back_up, collect, restore

from tests.builders import TINY
from tests.faults.mistakes import publish_row_first
from tests.faults.stage import (
    NAME,
    Stage,
    after_a_crash,
    inputs_only,
    of_the_first_release,
    publish_one,
    with_a_backup,
    with_a_base,
    with_a_package,
    with_garbage,
    with_moves,
    with_versions,
)
from tests.invariants import assert_sound


class Acknowledge(Protocol):
    """Tell that all changes so far are made, and that these files are there to stay."""

    def __call__(self, registry: Registry, *files: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """``prepare`` makes the stage that ``act`` starts from; ``opened`` is part of the act."""

    prepare: Callable[[Stage], object]
    act: Callable[[Registry, Stage, Acknowledge], object]
    opened: Callable[[Stage], AbstractContextManager[Registry]] = Stage.opened


def created(stage: Stage) -> Registry:
    return open_registry(stage.registry, create=True)


def migrated(stage: Stage) -> Registry:
    migrate_sqlite_index(stage.registry / "registry.db")
    return stage.opened()


def restored(stage: Stage) -> Registry:
    with suppress(NameTaken):  # it was restored before
        restore(stage.backup, stage.registry)
    return stage.opened()


def begin(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    registry.add_base(TINY, stage.base, actor="ada")
    publish_one(registry, stage, content=1)
    acknowledge(registry)


def publish(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    for content in (1, 2):
        publish_one(registry, stage, content=content)
        acknowledge(registry)


def import_package(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    import_version(registry, stage.package, actor="ada")
    acknowledge(registry)


def promote(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    for number in (1, 2, 3):
        registry.promote(NAME, number, actor="ada")
        acknowledge(registry)


def roll_back(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    for number in (2, 1):
        if registry.resolve(NAME).number > number:
            registry.rollback(NAME, actor="ada")
        acknowledge(registry)


def revoke(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    for number in (3, 2):
        version = registry.resolve(f"{NAME}:{number}")
        if version.state is not VersionState.REVOKED:
            registry.lifecycle.revoke(version.digest, actor="ada", reason="wrong data")
        acknowledge(registry)


def delete(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    for number in (1, 2):
        if registry.lifecycle.tombstone(NAME, number) is None:
            registry.lifecycle.delete(NAME, number, actor="ada", reason="too old")
        acknowledge(registry)


def collect_garbage(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    collect(registry, actor="ada", grace=timedelta(0), retention=timedelta(0))
    acknowledge(registry)


def back_up_once(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    backup = stage.disk / "backup"
    if not backup.exists():
        back_up(registry, backup)
    with open_registry(backup) as copy:
        assert_sound(copy, copy.blobs)
        assert copy.head() == registry.head()
    acknowledge(registry, backup)


def check_out(registry: Registry, stage: Stage, _acknowledge: Acknowledge) -> None:
    """A checkout promises nothing to last; what it hands out must be whole."""
    for number in (1, 2):
        version = registry.resolve(f"{NAME}:{number}")
        folder = registry.checkout(version, stage.disk / "checkouts")
        assert_whole({folder / entry.path: entry for entry in version.manifest.files})


def export(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    package = stage.disk / "package"
    if not package.exists():
        export_version(registry, f"{NAME}:1", package)
    files = read_package(ForeignFolder(package)).record.version.manifest.files
    assert_whole({package / place_of(entry.path): entry for entry in files})
    acknowledge(registry, package)


def assert_whole(files: dict[Path, FileEntry]) -> None:
    for path, entry in files.items():
        with path.open("rb") as stream:
            assert digest_stream(stream, each=len) == (entry.sha256, entry.size)


def hold_the_backup(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    """The restoring was part of opening."""
    with open_registry(stage.backup) as backup:
        assert backup.head() == registry.head()
    acknowledge(registry)


def keep_the_old(registry: Registry, stage: Stage, acknowledge: Acknowledge) -> None:
    """The migration was part of opening; the index as it was must lie beside the new one."""
    address = f"file:{stage.registry}/registry.db.0001?immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as kept:
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert kept.execute("SELECT max(seq) FROM event").fetchone() == (registry.head(),)
    acknowledge(registry)


MISTAKES = {"row-first": Operation(with_a_base, publish_row_first)}
"""What the kill points must notice."""

OPERATIONS = {
    "init": Operation(inputs_only, begin, opened=created),
    "publish": Operation(with_a_base, publish),
    "recover": Operation(after_a_crash, publish),
    "import": Operation(with_a_package, import_package),
    "promote": Operation(with_versions, promote),
    "rollback": Operation(with_moves, roll_back),
    "revoke": Operation(with_moves, revoke),
    "delete": Operation(with_moves, delete),
    "gc": Operation(with_garbage, collect_garbage),
    "checkout": Operation(with_versions, check_out),
    "export": Operation(with_versions, export),
    "backup": Operation(with_moves, back_up_once),
    "restore": Operation(with_a_backup, hold_the_backup, opened=restored),
    "migrate": Operation(of_the_first_release, keep_the_old, opened=migrated),
}
