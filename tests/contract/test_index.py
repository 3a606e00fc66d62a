import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from medley_registry import (
    Adapter,
    Alias,
    AliasMove,
    BaseModel,
    Digest,
    Event,
    EventKind,
    FileEntry,
    Manifest,
    MoveReason,
    Version,
    VersionState,
)
from medley_registry.index import Index, IndexWriter

AT = datetime(2026, 11, 21, 8, 46, 53, 120, tzinfo=UTC)
BASE = BaseModel(
    name="tiny",
    path=Path("/models/tiny"),
    architecture="TinyForCausalLM",
    module_shapes={"model.q_proj": (4, 8)},
    weights_digest=Digest.of(b"weights"),
    config_digest=Digest.of(b"config"),
    tokenizer_digest=Digest.of(b"tokenizer"),
    chat_template_digest=None,
    created_at=AT,
)
ADAPTER = Adapter("notes", BASE.name, BASE.base_id, AT)


def version(number: int) -> Version:
    file = FileEntry("adapter_config.json", number, Digest.of(bytes(number)), "application/json")
    manifest = Manifest((file,))
    return Version(
        adapter=ADAPTER.name,
        number=number,
        digest=manifest.digest,
        base=BASE.name,
        base_id=BASE.base_id,
        rank=8,
        alpha=16.5,
        target_modules=("q_proj", "v_proj"),
        round=number if number > 1 else None,
        state=VersionState.ADMITTED,
        note="ärztlich \N{SNOWMAN}",
        published_by="ada",
        created_at=AT,
        manifest=manifest,
    )


def move(generation: int, *, to: int) -> tuple[Alias, AliasMove]:
    target = version(to)
    alias = Alias(ADAPTER.name, "production", to, target.digest, generation, AT)
    before = None if generation == 1 else to - 1
    reason = MoveReason.PROMOTE
    return alias, AliasMove("notes", "production", generation, before, to, "ada", reason, AT)


def event(previous: Event | None) -> Event:
    return Event.following(
        previous,
        at=AT,
        kind=EventKind.BASE_ADDED,
        subject="tiny",
        actor="ada",
        payload={"list": [1, None, True], "text": "ä"},
    )


def fill(writer: IndexWriter, *, versions: int) -> None:
    writer.add_base(BASE)
    writer.add_adapter(ADAPTER)
    for number in range(1, versions + 1):
        writer.add_version(version(number))


def test_an_empty_index_finds_nothing(index: Index) -> None:
    with index.read() as reader:
        assert reader.base("tiny") is None
        assert reader.adapter("notes") is None
        assert reader.version("notes", 1) is None
        assert reader.alias("notes", "production") is None
        assert (reader.bases(), reader.adapters(), reader.aliases(None)) == ([], [], [])
        assert (reader.versions("notes"), reader.moves("notes", None)) == ([], [])
        assert (reader.last_number("notes"), reader.head()) == (0, 0)
        assert reader.events(after=0, limit=10) == []


def test_what_was_written_reads_back_equal(index: Index) -> None:
    alias, first = move(1, to=1)
    with index.write() as writer:
        fill(writer, versions=2)
        writer.move_alias(alias, first)
        writer.append(event(None))

    with index.read() as reader:
        assert reader.base("tiny") == BASE
        assert reader.bases() == [BASE]
        assert reader.adapter("notes") == ADAPTER
        assert reader.adapters() == [ADAPTER]
        assert reader.versions("notes") == [version(1), version(2)]
        assert reader.version("notes", 2) == version(2)
        assert reader.last_number("notes") == 2
        assert reader.alias("notes", "production") == alias
        assert reader.aliases("notes") == reader.aliases(None) == [alias]
        assert reader.moves("notes", "production") == reader.moves("notes", None) == [first]
        assert reader.events(after=0, limit=10) == [event(None)]
        assert reader.head() == 1


def test_an_alias_moves_and_its_moves_are_kept_in_order(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=3)
        for generation in (1, 2, 3):
            writer.move_alias(*move(generation, to=generation))

    with index.read() as reader:
        assert reader.aliases(None) == [move(3, to=3)[0]]
        assert reader.moves("notes", None) == [move(g, to=g)[1] for g in (1, 2, 3)]
        assert reader.moves("notes", "canary") == []


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


def test_a_base_moves_to_another_path(index: Index) -> None:
    with index.write() as writer:
        writer.add_base(BASE)
        writer.move_base("tiny", Path("/elsewhere"))

    with index.read() as reader:
        moved = reader.base("tiny")
    assert moved is not None
    assert (moved.path, moved.base_id) == (Path("/elsewhere"), BASE.base_id)


def test_a_writer_sees_what_it_has_written(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=1)

        assert writer.versions("notes") == [version(1)]


def test_a_write_that_fails_leaves_nothing(index: Index) -> None:
    def fail_half_way() -> None:
        with index.write() as writer:
            fill(writer, versions=2)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail_half_way()

    with index.read() as reader:
        assert reader.bases() == []
    with index.write() as writer:
        fill(writer, versions=1)


def test_a_reader_keeps_the_state_it_began_on(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=1)

    with index.read() as reader:
        assert reader.last_number("notes") == 1
        with index.write() as writer:
            writer.add_version(version(2))
        assert reader.last_number("notes") == 1
        assert len(reader.versions("notes")) == 1


def test_writers_take_turns(index: Index) -> None:
    with index.write() as writer:
        fill(writer, versions=0)

    def add() -> None:
        with index.write() as writer:
            writer.add_version(version(writer.last_number("notes") + 1))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with index.read() as reader:
        assert [v.number for v in reader.versions("notes")] == list(range(1, 9))
