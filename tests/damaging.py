"""Ways to damage a registry that lies in a folder, past everything that would refuse it."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from medley_registry import Event, open_registry
from medley_registry.events import GENESIS_HASH, EventKind
from medley_registry.upkeep import fsck


@dataclass(frozen=True, slots=True)
class Stage:
    """A registry in a folder that may be damaged by hand, and a seal of its log."""

    folder: Path
    seal: str = ""
    public_key: str = ""

    def copied(self, folder: Path) -> "Stage":
        shutil.copytree(self.folder, folder)
        return replace(self, folder=folder)

    def suffer(self, damage: "Damage | str") -> None:
        """Do damage; statements of SQL are run with the triggers in place."""
        if not isinstance(damage, str):
            damage(self)
            return
        with closing(sqlite3.connect(self.folder / "registry.db")) as connection:
            connection.execute(damage)
            connection.commit()

    def found(self, *, is_quick: bool = False) -> set[tuple[str, str]]:
        """What `fsck` finds: codes, each with what it concerns."""
        with open_registry(self.folder) as registry:
            return {(f.code, f.subject) for f in fsck(registry, is_quick=is_quick)}

    def blob(self, reference: str, path: str = "adapter_model.safetensors") -> Path:
        """The file of a blob; it may be changed."""
        with open_registry(self.folder) as registry:
            files = registry.resolve(reference).manifest.files
        digest = next(entry.sha256 for entry in files if entry.path == path)
        found = self.folder / "blobs/sha256" / digest.hex[:2] / digest.hex
        found.chmod(0o644)
        return found


Damage = Callable[[Stage], object]


@contextmanager
def unguarded(stage: Stage) -> Iterator[sqlite3.Connection]:
    """The database without its triggers, which are there again afterwards."""
    with closing(sqlite3.connect(stage.folder / "registry.db")) as connection:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = connection.execute(wanted).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, statement in triggers:
            connection.execute(statement)
        connection.commit()


def sql(*statements: str) -> Damage:
    """Run statements that no trigger refuses; each must change something."""

    def damage(stage: Stage) -> None:
        with unguarded(stage) as connection:
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, statement

    return damage


def spoil_index_page(stage: Stage) -> None:
    path = stage.folder / "registry.db"
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_version_digest'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[page * size - 10] ^= 1
    path.write_bytes(content)


def break_schema(stage: Stage) -> None:
    """Such that SQLite itself stumbles over the foreign keys to versions."""
    path = stage.folder / "registry.db"
    key = b"PRIMARY KEY (adapter, number), \n\tCONSTRAINT uq_version"
    assert path.read_bytes().count(key) == 1
    path.write_bytes(path.read_bytes().replace(key, key.replace(b"number", b"rank  ")))


def spoil_blob(stage: Stage) -> None:
    path = stage.blob("notes:2")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def shorten_blob(stage: Stage) -> None:
    path = stage.blob("notes:2")
    path.write_bytes(path.read_bytes()[:-1])


def block_blob(stage: Stage) -> None:
    path = stage.blob("notes:2")
    path.unlink()
    path.mkdir()


def rewrite_log(change: Callable[[Event], Event], *, is_rechained: bool = True) -> Damage:
    """Change events and give each a hash that fits; unless told so, those after them too."""

    def damage(stage: Stage) -> None:
        with open_registry(stage.folder) as registry:
            events = registry.events()
        with unguarded(stage) as connection:
            hash_ = GENESIS_HASH
            for event in events:
                changed = change(event)
                if changed != event or is_rechained:
                    changed = follow(changed, hash_)
                hash_ = changed.hash
                connection.execute(
                    "UPDATE event SET subject = ?, actor = ?, payload = ?, previous_hash = ?, "
                    "hash = ? WHERE seq = ?",
                    (
                        changed.subject,
                        changed.actor,
                        json.dumps(changed.payload, sort_keys=True, separators=(",", ":")),
                        changed.previous_hash,
                        changed.hash,
                        changed.seq,
                    ),
                )

    return damage


def follow(event: Event, previous_hash: str) -> Event:
    return Event.following(
        replace(event, seq=event.seq - 1, hash=previous_hash),
        at=event.at,
        kind=event.kind,
        subject=event.subject,
        actor=event.actor,
        payload=event.payload,
    )


def by_mallory(event: Event) -> Event:
    return replace(event, actor="mallory") if event.seq == 3 else event


def say_nothing(event: Event) -> Event:
    return replace(event, payload={}) if event.kind is EventKind.VERSION_DELETED else event
