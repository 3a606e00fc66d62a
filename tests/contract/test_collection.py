"""A collection takes what nothing reaches, and nothing else, whatever happens beside it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_registry import (
    Conflict,
    Digest,
    EventKind,
    IndexDamaged,
    Lineage,
    Parent,
    Registry,
    RegistryError,
    Relation,
    Unavailable,
    VersionState,
    timestamps,
)
from medley_registry.backends.memory import MemoryIndex
from medley_registry.blobs import StoredBlob
from medley_registry.leases import Lease, Upload
from medley_registry.publishing import UPLOAD_LIFE
from medley_registry.upkeep import Collected, collect, collection, fsck

from tests.builders import TINY, make_base
from tests.contract.conftest import new_registry
from tests.damaging import Stage, sql
from tests.populated import NOW, publish

HOUR = timedelta(hours=1)


def collect_now(registry: Registry) -> Collected:
    return collect(registry, actor="timer", grace=NOW, retention=NOW)


def delete(registry: Registry, number: int) -> None:
    registry.lifecycle.delete("notes", number, actor="eve", reason="a mistake")


def stored(registry: Registry) -> set[Digest]:
    return {blob.digest for blob in registry.blobs.list()}


def weights(registry: Registry, number: int) -> Digest:
    """The blob that no other version has."""
    files = registry.versions("notes")[number - 1].manifest.files
    return next(entry.sha256 for entry in files if entry.path == "adapter_model.safetensors")


@pytest.fixture
def three(registry: Registry, tmp_path: Path) -> Registry:
    """`notes` in three versions with one configuration among them, the third deleted."""
    for content in (1, 2, 3):
        publish(registry, tmp_path, content)
    delete(registry, 3)
    return registry


def test_the_blobs_of_a_deleted_version_go_and_an_event_tells_it(three: Registry) -> None:
    head, size_bytes = three.head(), three.versions("notes")[2].manifest.files[-1].size

    assert collect_now(three) == Collected(blobs=1, size_bytes=size_bytes, kept=3)

    assert weights(three, 3) not in stored(three)
    (event,) = three.events(after=head)
    assert (event.kind, event.actor) == (EventKind.BLOBS_COLLECTED, "timer")
    assert event.payload == {
        "count": 1,
        "size_bytes": size_bytes,
        "digests": [str(weights(three, 3))],
    }
    assert fsck(three) == []


def test_a_collection_that_removes_nothing_writes_no_event(three: Registry) -> None:
    collect_now(three)
    head = three.head()

    assert collect_now(three) == Collected(kept=3)
    assert three.head() == head


def test_a_dry_run_counts_and_removes_nothing(three: Registry) -> None:
    before, head = stored(three), three.head()

    would = collect(three, actor="timer", grace=NOW, retention=NOW, is_dry_run=True)

    assert (would.blobs, would.kept) == (1, 3)
    assert (stored(three), three.head()) == (before, head)
    assert collect_now(three) == would


def test_the_bytes_of_a_deleted_version_stay_through_its_retention(three: Registry) -> None:
    assert collect(three, actor="timer", grace=NOW, retention=HOUR).blobs == 0
    assert collect(three, actor="timer", grace=NOW).blobs == 0


def test_young_blobs_stay_through_their_grace(three: Registry) -> None:
    assert collect(three, actor="timer", retention=NOW) == Collected(kept=3, young=1)


def test_blobs_that_nothing_ever_named_go(three: Registry, tmp_path: Path) -> None:
    with (make_base(tmp_path / "other") / "config.json").open("rb") as stream:
        three.blobs.put(stream)

    assert collect_now(three).blobs == 2


@pytest.mark.parametrize("state", [VersionState.DRAFT, VersionState.QUARANTINED])
def test_versions_in_every_other_state_keep_their_bytes(
    three: Registry, tmp_path: Path, state: VersionState
) -> None:
    publish(three, tmp_path, 4, state=state)
    three.lifecycle.revoke(three.resolve("notes:2").digest, actor="eve", reason="poisoned")

    collect_now(three)

    assert {weights(three, n) for n in (1, 2, 4)} <= stored(three)


def test_what_a_kept_version_came_from_keeps_its_bytes_for_as_long(
    registry: Registry, tmp_path: Path
) -> None:
    for content in (1, 2, 3):
        parents = [from_(registry, content - 1)] if content > 1 else []
        publish(registry, tmp_path, content, lineage=Lineage(parents=tuple(parents)))
    delete(registry, 1)
    delete(registry, 2)

    assert collect_now(registry).blobs == 0
    delete(registry, 3)
    assert collect(registry, actor="timer", grace=NOW, retention=HOUR).blobs == 0
    assert collect_now(registry).blobs == 4


def from_(registry: Registry, number: int) -> Parent:
    digest = registry.versions("notes")[number - 1].digest
    return Parent(f"notes:{number}", digest, Relation.TRAINED_FROM)


def test_an_imported_version_keeps_an_ancestor_that_has_another_name_here(
    three: Registry, tmp_path: Path
) -> None:
    elsewhere = (
        Parent("elsewhere:9", three.versions("notes")[2].digest, Relation.MERGED_FROM),
        Parent("elsewhere:8", Digest.of(b"x"), Relation.MERGED_FROM),
    )
    publish(three, tmp_path, 4, lineage=Lineage(parents=elsewhere, origin="hf://ada/letters"))

    assert collect_now(three).blobs == 0


def test_a_leased_version_keeps_its_bytes_until_the_lease_has_run_out(
    registry: Registry, tmp_path: Path
) -> None:
    publish(registry, tmp_path, 1)
    version = registry.resolve("notes:1")
    registry.leases.take(version, holder="replica", seconds=3600)
    registry.leases.take(version, holder="dead replica", seconds=0)
    delete(registry, 1)

    assert collect_now(registry).blobs == 0
    with registry.index.read() as reader:
        assert [lease.holder for lease in reader.all(Lease)] == ["replica"]
    registry.leases.release("replica")
    assert collect_now(registry).blobs == 2


def test_a_registered_upload_keeps_its_blob_until_it_has_run_out(three: Registry) -> None:
    upload = Upload("0" * 32, weights(three, 3), timestamps.now() + HOUR)
    with three.index.write() as writer:
        writer.add(upload)

    assert collect_now(three) == Collected(kept=4)
    with three.index.write() as writer:
        writer.remove(upload)
        writer.add(Upload("1" * 32, weights(three, 3), timestamps.now() - HOUR))
    assert collect_now(three).blobs == 1
    with three.index.read() as reader:
        assert reader.all(Upload) == []


def test_content_shared_with_a_version_that_stays_stays(three: Registry, tmp_path: Path) -> None:
    publish(three, tmp_path, 2, name="letters")
    delete(three, 2)

    collect_now(three)

    assert weights(three, 2) in stored(three)
    assert fsck(three) == []


class Interrupted:
    """Lets something happen between a collection's plan and its first removal."""

    def __init__(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        self._list = registry.blobs.list
        self._act: Callable[[], object] = lambda: None
        monkeypatch.setattr(registry.blobs, "list", self._acting)

    def by(self, act: Callable[[], object]) -> None:
        self._act = act

    def _acting(self) -> Iterator[StoredBlob]:
        found = [*self._list()]
        self._act()
        return iter(found)


@pytest.fixture
def meanwhile(three: Registry, monkeypatch: pytest.MonkeyPatch) -> Interrupted:
    return Interrupted(three, monkeypatch)


def test_content_published_anew_meanwhile_stays(
    three: Registry, meanwhile: Interrupted, tmp_path: Path
) -> None:
    meanwhile.by(lambda: publish(three, tmp_path, 3, name="letters"))

    assert collect_now(three) == Collected(kept=4)
    assert fsck(three) == []


def test_content_that_is_being_published_meanwhile_stays(
    three: Registry, meanwhile: Interrupted
) -> None:
    upload = Upload("0" * 32, weights(three, 3), timestamps.now() + HOUR)

    def register() -> None:
        with three.index.write() as writer:
            writer.add(upload)

    meanwhile.by(register)

    assert collect_now(three) == Collected(kept=4)


def test_an_ancestor_of_what_is_published_meanwhile_stays(
    three: Registry, meanwhile: Interrupted, tmp_path: Path
) -> None:
    child = Lineage(parents=(from_(three, 3),), origin="hf://ada/letters")
    meanwhile.by(lambda: publish(three, tmp_path, 4, lineage=child))

    assert collect_now(three).blobs == 0
    assert weights(three, 3) in stored(three)


def test_content_published_after_its_removal_is_stored_again(
    three: Registry, tmp_path: Path
) -> None:
    collect_now(three)

    publish(three, tmp_path, 3, name="letters")

    assert fsck(three) == []


def test_a_publisher_who_took_longer_than_his_upload_lives_is_refused(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = registry.blobs.put

    def stall_then_put(source: object) -> object:
        with monkeypatch.context() as later:
            tomorrow = timestamps.now() + UPLOAD_LIFE
            later.setattr(timestamps, "now", lambda: tomorrow)
            collect_now(registry)
        return put(source)  # type: ignore[arg-type]

    monkeypatch.setattr(registry.blobs, "put", stall_then_put)

    with pytest.raises(Conflict, match="publish again"):
        publish(registry, tmp_path, 1)

    assert registry.adapters() == []
    monkeypatch.setattr(registry.blobs, "put", put)
    publish(registry, tmp_path, 1)
    assert fsck(registry) == []


def test_a_log_that_is_cut_off_meanwhile_stops_the_collection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_registry("memory", tmp_path) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        publish(registry, tmp_path, 1)
        delete(registry, 1)
        index, before = registry.index, stored(registry)
        assert isinstance(index, MemoryIndex)

        def cut_off() -> None:
            index._state.log.pop()

        Interrupted(registry, monkeypatch).by(cut_off)

        with pytest.raises(IndexDamaged):
            collect_now(registry)

        assert stored(registry) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE version SET state = 'x' WHERE number = 1",
        "UPDATE version SET manifest = '{}' WHERE number = 1",
        "UPDATE version SET digest = 'x' WHERE number = 1",
        "UPDATE tombstone SET at = 'x'",
    ],
)
def test_what_cannot_be_read_is_no_reason_to_remove_anything(tmp_path: Path, damage: str) -> None:
    with new_registry("disk", tmp_path) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        publish(registry, tmp_path, 1)
        publish(registry, tmp_path, 2)
        delete(registry, 2)
        Stage(tmp_path / "registry").suffer(sql(damage))
        before = stored(registry)

        with pytest.raises(IndexDamaged):
            collect_now(registry)

        assert stored(registry) == before


def test_batches_are_small_and_each_tells_what_it_removed(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in range(1, 6):
        publish(registry, tmp_path, content)
    for number in range(1, 6):
        delete(registry, number)
    monkeypatch.setattr(collection, "BATCH_BLOBS", 4)
    seen: list[tuple[int, int]] = []
    head = registry.head()

    collect(
        registry,
        actor="timer",
        grace=NOW,
        retention=NOW,
        progress=lambda done, total: seen.append((done, total)),
    )

    assert [event.payload["count"] for event in registry.events(after=head)] == [4, 2]
    assert seen == [(4, 6), (6, 6)]


def test_a_batch_ends_when_others_have_waited_long_enough(
    three: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(three, tmp_path, 4)
    delete(three, 4)
    monkeypatch.setattr(collection, "BATCH_S", -1)
    head = three.head()

    assert collect_now(three).blobs == 2

    assert [event.payload["count"] for event in three.events(after=head)] == [1, 1]


def test_a_collection_that_fails_in_the_middle_can_be_done_again(
    three: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(three, tmp_path, 4)
    delete(three, 4)
    remove, head = three.blobs.remove, three.head()

    def remove_one(digest: Digest) -> None:
        monkeypatch.setattr(three.blobs, "remove", fail)
        remove(digest)

    def fail(digest: Digest) -> None:
        raise Unavailable("the disk is gone")

    monkeypatch.setattr(three.blobs, "remove", remove_one)

    with pytest.raises(Unavailable):
        collect_now(three)

    monkeypatch.setattr(three.blobs, "remove", remove)
    assert (fsck(three), three.head()) == ([], head)
    assert collect_now(three) == Collected(
        blobs=1, size_bytes=three.versions("notes")[2].manifest.files[-1].size, kept=3
    )


def test_leftovers_of_puts_that_were_killed_are_swept_when_they_are_old_enough(
    tmp_path: Path,
) -> None:
    with new_registry("disk", tmp_path) as registry:
        folder = tmp_path / "registry/blobs/sha256"
        for name, hours in ((".incoming-old", 3), (".incoming-in-progress", 0)):
            (folder / name).write_bytes(b"half a blo")
            at = timestamps.now().timestamp() - 3600 * hours
            os.utime(folder / name, (at, at))

        assert collect_now(registry).leftovers == 1

        assert [path.name for path in folder.iterdir()] == [".incoming-in-progress"]


ACTS: dict[str, Callable[[Registry, Path, int], object]] = {
    "publish": publish,
    "child": lambda r, home, n: publish(
        r, home, n + 1, lineage=Lineage(parents=(from_(r, n),), origin="elsewhere")
    ),
    "delete": lambda r, home, n: delete(r, n),
    "revoke": lambda r, home, n: r.lifecycle.revoke(
        r.resolve(f"notes:{n}").digest, actor="eve", reason="x"
    ),
    "lease": lambda r, home, n: r.leases.take(r.resolve(f"notes:{n}"), holder="x", seconds=60),
    "release": lambda r, home, n: r.leases.release("x"),
    "collect": lambda r, home, n: collect_now(r),
}


@pytest.mark.parametrize(("store", "times"), [("memory", 60), ("disk", 8)])
def test_just_what_is_reached_is_left(store: str, times: int) -> None:
    """Against a model that asks of every blob who needs it."""

    @settings(max_examples=times)
    @given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(1, 5)), max_size=30))
    def act(acts: list[tuple[str, int]]) -> None:
        with tempfile.TemporaryDirectory() as name, new_registry(store, Path(name)) as registry:
            registry.add_base(TINY, make_base(Path(name, "base")), actor="ada")
            gone: set[Digest] = set()
            for what, number in acts:
                before = stored(registry)
                with suppress(RegistryError, IndexError):
                    ACTS[what](registry, Path(name), number)
                gone = (gone | before) - stored(registry)
            collect_now(registry)
            assert stored(registry) == needed(registry) - gone
            assert fsck(registry) == []

    act()


def needed(registry: Registry) -> set[Digest]:
    versions = registry.versions("notes") if registry.adapters() else []
    by_digest = {version.digest: version for version in versions}
    with registry.index.read() as reader:
        leased = {lease.digest for lease in reader.all(Lease)}
    kept = {v.digest for v in versions if v.state is not VersionState.DELETED} | leased
    for _ in versions:
        kept |= {p.digest for d in kept for p in by_digest[d].lineage.parents}
    return {entry.sha256 for digest in kept for entry in by_digest[digest].manifest.files}
