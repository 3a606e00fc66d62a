"""A backup is a registry that opens by itself; whatever the stores, nothing is lost on the way."""

import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from medley_registry import (
    BlobMissing,
    Conflict,
    DigestMismatch,
    NameTaken,
    NotARegistry,
    Registry,
    Unavailable,
    open_registry,
)
from medley_registry.backends.memory import MemoryBlobs
from medley_registry.index import IndexReader
from medley_registry.kinds import KINDS
from medley_registry.upkeep import Code, back_up, backup, collect, copying, fsck, restore

from tests.builders import TINY, make_base
from tests.contract.conftest import new_registry
from tests.damaging import Stage, sql
from tests.populated import NOW, populate, publish
from tests.stores.postgres import running_postgres
from tests.stores.s3 import running_s3


@pytest.fixture
def full(empty: Registry, tmp_path: Path) -> Registry:
    populate(empty, tmp_path)
    return empty


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder of a backup."""
    with new_registry("memory", tmp_path) as registry:
        populate(registry, tmp_path)
        back_up(registry, tmp_path / "backup")
    return tmp_path / "backup"


def everything(registry: Registry) -> list[list[Any]]:
    with registry.index.read() as reader:
        return [*map(reader.all, KINDS), reader.events(after=0, limit=10_000)]


def test_a_backup_holds_everything_and_opens_by_itself(full: Registry, tmp_path: Path) -> None:
    copied = back_up(full, tmp_path / "backup")

    assert (copied.versions, copied.events, copied.blobs) == (8, full.head(), 7)
    with open_registry(tmp_path / "backup") as opened:
        assert fsck(opened) == []
        assert everything(opened) == everything(full)
        assert opened.resolve("notes") == full.resolve("notes")
        assert opened.promote("notes", 2, actor="ada").generation == 6


def test_a_backup_is_complete_when_it_appears_and_leaves_nothing_beside_it(
    full: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "of/the/day"

    back_up(full, folder)

    assert [path.name for path in folder.parent.iterdir()] == ["day"]
    assert {path.name for path in folder.iterdir()} >= {"registry.db", "blobs"}
    assert not (folder / "registry.db-wal").exists()


def test_what_was_acknowledged_before_a_backup_began_is_in_it(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path, 1)
    acknowledged, enough, stop = [1], threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set() and len(acknowledged) < 200:
            publish(registry, tmp_path, len(acknowledged) + 1)
            acknowledged.append(len(acknowledged) + 1)
            registry.promote("notes", acknowledged[-1], actor="ada")
            if len(acknowledged) > 3:
                enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert enough.wait(30)
        before, head = acknowledged[-1], registry.head()
        copied = back_up(registry, tmp_path / "backup")
    finally:
        stop.set()
        writer.join()

    with open_registry(tmp_path / "backup") as opened:
        assert fsck(opened) == []
        assert opened.version_count("notes") >= before
        assert opened.head() == copied.events >= head
        assert opened.events(limit=10_000) == registry.events(limit=copied.events)


def test_a_folder_with_something_in_it_is_left_alone(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup/notes.txt").write_text("mine")

    with pytest.raises(NameTaken, match="not empty"):
        back_up(registry, tmp_path / "backup")

    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["notes.txt"]


def test_a_damaged_registry_is_not_backed_up_as_if_it_were_sound(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path, 1)
    registry.blobs.remove(registry.resolve("notes:1").manifest.files[0].sha256)

    with pytest.raises(BlobMissing, match="notes:1"):
        back_up(registry, tmp_path / "backups/today")

    assert [*(tmp_path / "backups").iterdir()] == []
    registry.lifecycle.delete("notes", 1, actor="eve", reason="damaged")
    assert back_up(registry, tmp_path / "backups/today").blobs == 1


def test_a_blob_with_other_content_is_not_backed_up(tmp_path: Path) -> None:
    with new_registry("memory", tmp_path) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        publish(registry, tmp_path, 1)
        blobs = registry.blobs
        assert isinstance(blobs, MemoryBlobs)
        digest = registry.resolve("notes:1").manifest.files[0].sha256
        content, at = blobs._blobs[digest]
        blobs._blobs[digest] = (content[:-1], at)

        with pytest.raises(DigestMismatch):
            back_up(registry, tmp_path / "backup")


def test_a_version_collected_while_it_was_copied_is_told(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry, tmp_path, 1)

    def copy_then_delete(*arguments: Any) -> Any:
        copied = copying.copy_facts(*arguments)
        registry.lifecycle.delete("notes", 1, actor="eve", reason="a mistake")
        collect(registry, actor="timer", grace=NOW, retention=NOW)
        return copied

    monkeypatch.setattr(backup, "copy_facts", copy_then_delete)

    with pytest.raises(Conflict, match=r"notes:1 was deleted and collected .* begin again"):
        back_up(registry, tmp_path / "backup")


@pytest.fixture(params=["disk", "scale"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Where no registry is yet, as `open_registry` takes it."""
    if request.param == "disk":
        return {"location": tmp_path / "new"}
    s3 = running_s3()
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    tenant = f"test-{uuid.uuid4().hex[:16]}"
    return {"location": running_postgres().url, "blobs": s3.make_bucket(), "tenant": tenant}


def test_a_backup_is_restored_to_any_store(saved: Path, place: dict[str, Any]) -> None:
    copied = restore(saved, **place)

    assert (copied.versions, copied.blobs, copied.findings) == (8, 7, ())
    with open_registry(saved) as source, open_registry(**place) as restored:
        assert everything(restored) == everything(source)
        assert fsck(restored) == []
        assert restored.promote("notes", 2, actor="ada").generation == 6


def test_nothing_is_restored_over_a_registry_that_holds_something(
    saved: Path, place: dict[str, Any]
) -> None:
    with open_registry(**place, create=True) as registry:
        registry.access.add("ci", scopes=["infer"], actor="eve")

        with pytest.raises(NameTaken, match="not empty: it has 1 events"):
            restore(saved, **place)

        assert (registry.head(), [*registry.blobs.list()]) == (1, [])


def test_a_backup_is_restored_to_a_tenant_of_its_own(saved: Path, tmp_path: Path) -> None:
    restore(saved, tmp_path / "new", tenant="hospital")

    with open_registry(tmp_path / "new", tenant="hospital") as restored:
        assert restored.resolve("notes").number == 1


def test_a_restore_that_failed_can_be_begun_again(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reader: IndexReader, writer: object) -> None:
        raise Unavailable("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(backup, "copy_facts", fail)
        with pytest.raises(Unavailable):
            restore(saved, tmp_path / "new")
    with open_registry(tmp_path / "new") as left:
        assert left.head() == 0

    assert restore(saved, tmp_path / "new").findings == ()


def test_damage_that_a_backup_has_is_told_when_it_is_restored(saved: Path, tmp_path: Path) -> None:
    Stage(saved).suffer(sql("UPDATE version SET note = 'x' WHERE number = 4"))

    copied = restore(saved, tmp_path / "new")

    assert [finding.code for finding in copied.findings] == [Code.ROW_ALTERED]


def test_where_no_backup_is_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotARegistry):
        restore(tmp_path / "nothing", tmp_path / "new")

    assert not (tmp_path / "new").exists()
