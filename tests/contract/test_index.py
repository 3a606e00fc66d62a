import threading
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import (
    Adapter,
    Alias,
    AliasMove,
    BaseModel,
    Event,
    Lease,
    Version,
    VersionState,
)
from medley_registry.index import Index, IndexWriter
from medley_registry.kinds import KINDS, Record, key_of
from medley_registry.leases import Upload

from tests.records import ADAPTER, BASE, EVERY_KIND, LATER, alias, event, move, version


def fill(writer: IndexWriter, *, versions: int) -> None:
    writer.add(BASE)
    writer.add(ADAPTER)
    for number in range(1, versions + 1):
        writer.add(version(number))


def key_fields(record: Record) -> dict[str, object]:
    return dict(zip(KINDS[type(record)].key, key_of(record), strict=True))


def test_an_empty_index_finds_nothing(index: Index) -> None:
    with index.read() as reader:
        for record in EVERY_KIND:
            assert reader.one(type(record), **key_fields(record)) is None
            assert reader.all(type(record)) == []
        assert reader.versions("notes", before=None, limit=None) == []
        assert (reader.last_number("notes"), reader.head()) == (0, 0)
        assert reader.events(after=0, limit=10) == []


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(record) for record in EVERY_KIND} == set(KINDS)


def test_what_was_written_reads_back_equal(index: Index) -> None:
    with index.write() as writer:
        for record in EVERY_KIND:
            writer.add(record)
        writer.append(event(None))

    with index.read() as reader:
        for record in EVERY_KIND:
            kind = type(record)
            assert reader.one(kind, **key_fields(record)) == record
            assert reader.all(kind, **key_fields(record)) == [record]
            assert reader.all(kind) == sorted(
                (other for other in EVERY_KIND if type(other) is kind), key=key_of
            )
        assert reader.events(after=0, limit=10) == [event(None)]
        assert reader.head() == 1


def test_records_are_found_by_any_of_their_fields(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=3)

    with index.read() as reader:
        assert reader.all(Version, adapter="notes", rank=8) == [version(n) for n in (1, 2, 3)]
        assert reader.all(Version, digest=version(2).digest) == [version(2)]
        assert reader.all(Version, state=VersionState.DRAFT) == []
        assert reader.all(Adapter, base_id=BASE.base_id) == [ADAPTER]


def test_what_may_change_is_replaced(index: Index) -> None:
    moved = replace(BASE, path=Path("/elsewhere"))
    revoked = replace(version(1), state=VersionState.REVOKED)
    with index.write() as writer:
        fill(writer, versions=2)
        writer.add(alias(1, to=1))
        for record in (moved, revoked, alias(2, to=2)):
            writer.replace(record)

    with index.read() as reader:
        assert reader.all(BaseModel) == [moved]
        assert reader.all(Version) == [revoked, version(2)]
        assert reader.all(Alias) == [alias(2, to=2)]


def test_what_is_passing_is_removed(index: Index) -> None:
    lease, upload = Lease("replica", BASE.base_id, LATER), Upload("0" * 32, BASE.base_id, LATER)
    with index.write() as writer:
        writer.add(lease)
        writer.add(upload)
        writer.remove(lease)
        writer.remove(upload)
        writer.remove(upload)  # no longer there, which is what was wanted

    with index.read() as reader:
        assert (reader.all(Lease), reader.all(Upload)) == ([], [])


@pytest.mark.parametrize("record", EVERY_KIND, ids=lambda record: type(record).__name__)
def test_what_is_final_is_neither_removed_nor_added_again(index: Index, record: Record) -> None:
    with index.write() as writer:
        for each in EVERY_KIND:
            writer.add(each)

    if not KINDS[type(record)].is_passing:
        with pytest.raises(Exception), index.write() as writer:  # noqa: B017, PT011 each its own
            writer.remove(record)
    with pytest.raises(Exception), index.write() as writer:  # noqa: B017, PT011 each its own
        writer.add(record)

    with index.read() as reader:
        assert reader.one(type(record), **key_fields(record)) == record


def test_moves_are_in_the_order_of_their_generations(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=12)
        for generation in range(1, 13):
            writer.add(move(generation, to=generation))

    with index.read() as reader:
        found = reader.all(AliasMove, adapter="notes", alias="production")
    assert found == [move(n, to=n) for n in range(1, 13)]


def test_versions_are_read_in_pages_from_the_newest(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=5)

    def numbers(before: int | None, limit: int | None) -> list[int]:
        with index.read() as reader:
            return [v.number for v in reader.versions("notes", before=before, limit=limit)]

    assert numbers(None, None) == [1, 2, 3, 4, 5]
    assert numbers(None, 2) == [4, 5]
    assert numbers(4, 2) == [2, 3]
    assert numbers(2, 2) == [1]
    assert numbers(1, 2) == []


def test_versions_are_found_by_any_part_of_their_digest_that_it_begins_with(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=20)

    with index.read() as reader:
        for wanted in map(version, range(1, 21)):
            assert reader.versions_by_digest("notes", wanted.digest.hex) == [wanted]
            assert wanted in reader.versions_by_digest("notes", wanted.digest.hex[0])
        assert reader.versions_by_digest("notes", "") == [version(n) for n in range(1, 21)]
        assert reader.versions_by_digest("other", version(1).digest.hex) == []


def test_events_are_read_in_pages(index: Index) -> None:
    events: list[Event] = []
    with index.write() as writer:
        for _ in range(5):
            events.append(event(events[-1] if events else None))
            writer.append(events[-1])

    with index.read() as reader:
        assert reader.events(after=1, limit=2) == events[1:3]
        assert reader.events(after=5, limit=2) == []
        assert reader.head() == 5


def test_a_writer_sees_what_it_has_written(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=1)

        assert writer.all(Version) == [version(1)]


def test_a_write_that_fails_leaves_nothing(index: Index) -> None:
    def fail_half_way() -> None:
        with index.write() as writer:
            fill(writer, versions=2)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_half_way()

    with index.read() as reader:
        assert reader.all(BaseModel) == []
    with index.write() as writer:
        fill(writer, versions=1)


def test_a_reader_keeps_the_state_it_began_on(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=1)

    with index.read() as reader:
        assert reader.last_number("notes") == 1
        with index.write() as writer:
            writer.add(version(2))
        assert reader.last_number("notes") == 1
        assert len(reader.all(Version)) == 1


def test_writers_take_turns(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=0)

    def add() -> None:
        with index.write() as writer:
            writer.add(version(writer.last_number("notes") + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with index.read() as reader:
        assert [v.number for v in reader.all(Version)] == list(range(1, 9))
