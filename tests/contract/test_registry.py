from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import (
    AdapterNotFound,
    AdmissionRefused,
    AliasNotFound,
    BaseMismatch,
    BaseNotFound,
    Digest,
    EventKind,
    InvalidReference,
    NameTaken,
    NothingToRollBack,
    Reference,
    Registry,
    StaleGeneration,
    VersionNotFound,
)

from tests.builders import TINY, make_adapter, make_base
from tests.invariants import assert_chained

Folders = Callable[[int], Path]


def publish(registry: Registry, folder: Path, *, name: str = "notes") -> int:
    return registry.publish(folder, name=name, base=TINY, actor="ada").number


@pytest.fixture
def three(registry: Registry, adapter_folder: Folders) -> Registry:
    """A registry with `notes` in three versions."""
    for content in (1, 2, 3):
        publish(registry, adapter_folder(content))
    return registry


def test_publishing_gives_the_next_number_and_the_digest_of_the_files(
    registry: Registry, adapter_folder: Folders
) -> None:
    folder = adapter_folder(1)

    version = registry.publish(
        folder, name="notes", base=TINY, actor="ada", round=3, note="first light"
    )

    assert version.reference == "notes:1"
    assert version.digest == version.manifest.digest
    assert version.engine_name == f"notes@{version.digest.hex[:32]}"
    assert (version.round, version.note, version.published_by) == (3, "first light", "ada")
    weights = next(f for f in version.manifest.files if f.path == "adapter_model.safetensors")
    assert weights.sha256 == Digest.of((folder / "adapter_model.safetensors").read_bytes())
    assert registry.versions("notes") == [version]
    assert registry.adapter("notes").base_id == registry.base(TINY).base_id


def test_publishing_the_same_content_again_gives_the_same_version(
    three: Registry, adapter_folder: Folders
) -> None:
    head = three.head()

    assert publish(three, adapter_folder(2)) == 2
    assert three.head() == head


def test_the_same_content_under_another_name_is_another_adapter(
    three: Registry, adapter_folder: Folders
) -> None:
    assert publish(three, adapter_folder(2), name="letters") == 1


def test_publishing_moves_no_alias(three: Registry) -> None:
    assert three.aliases() == []
    with pytest.raises(AliasNotFound, match="no alias 'production'"):
        three.resolve("notes")


def test_a_refused_adapter_leaves_no_trace(registry: Registry, tmp_path: Path) -> None:
    head = registry.head()

    with pytest.raises(AdmissionRefused):
        publish(registry, make_adapter(tmp_path / "dora", config={"use_dora": True}))

    assert (registry.adapters(), registry.head()) == ([], head)


def test_an_adapter_belongs_to_one_base(
    three: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    three.add_base("other", make_base(tmp_path / "other", fill=9), actor="ada")
    three.add_base("same", make_base(tmp_path / "same"), actor="ada")

    with pytest.raises(BaseMismatch, match="'notes' is for base model 'tiny'"):
        three.publish(adapter_folder(4), name="notes", base="other", actor="ada")
    version = three.publish(adapter_folder(4), name="notes", base="same", actor="ada")
    assert version.base == TINY


def test_every_form_of_reference_finds_its_version(three: Registry) -> None:
    three.promote("notes", 2, actor="ada")
    three.promote("notes", 3, alias="canary", actor="ada")
    one, two, last = three.versions("notes")

    assert three.resolve("notes") == three.resolve("notes@production") == two
    assert three.resolve("notes@canary") == last
    assert three.resolve("notes:1") == three.resolve(Reference("notes", number=1)) == one
    assert three.resolve(f"notes@{one.digest}") == one
    assert three.resolve(f"notes@{str(one.digest)[:19]}") == one


def test_what_does_not_exist_is_answered_with_the_nearest_that_does(three: Registry) -> None:
    three.promote("notes", 1, actor="ada")

    with pytest.raises(AdapterNotFound, match=r"no adapter 'note'; nearest: notes") as adapter:
        three.resolve("note")
    with pytest.raises(AliasNotFound) as alias:
        three.resolve("notes@prod")
    with pytest.raises(VersionNotFound) as version:
        three.resolve("notes:9")
    with pytest.raises(VersionNotFound):
        three.resolve("notes@sha256:" + "0" * 12)
    with pytest.raises(BaseNotFound) as base:
        three.base("tin")
    with pytest.raises(AdapterNotFound, match=r"^no adapter 'zzz'$"):
        three.versions("zzz")
    with pytest.raises(InvalidReference):
        three.resolve("Not A Name")
    assert adapter.value.nearest == ("notes",)
    assert alias.value.nearest == ("notes@production",)
    assert version.value.nearest == ("notes:3", "notes:2", "notes:1")
    assert base.value.nearest == (TINY,)


def test_an_unknown_adapter_is_said_to_be_unknown_whatever_is_asked_of_it(
    registry: Registry,
) -> None:
    questions: list[Callable[[], object]] = [
        lambda: registry.adapter("x"),
        lambda: registry.versions("x"),
        lambda: registry.aliases("x"),
        lambda: registry.history("x"),
        lambda: registry.promote("x", 1, actor="ada"),
        lambda: registry.rollback("x", actor="ada"),
        lambda: registry.resolve("x:1"),
        lambda: registry.resolve("x@sha256:" + "0" * 64),
    ]
    for question in questions:
        with pytest.raises(AdapterNotFound):
            question()


def test_an_alias_counts_its_moves(three: Registry) -> None:
    first = three.promote("notes", 1, actor="ada")
    second = three.promote("notes", 3, actor="bob")

    assert (first.number, first.generation) == (1, 1)
    assert (second.number, second.generation) == (3, 2)
    assert three.aliases("notes") == [second]
    assert [(m.from_number, m.to_number, m.actor) for m in three.history("notes")] == [
        (None, 1, "ada"),
        (1, 3, "bob"),
    ]


def test_promoting_what_is_promoted_changes_nothing(three: Registry) -> None:
    alias = three.promote("notes", 1, actor="ada")
    head = three.head()

    assert three.promote("notes", 1, actor="bob") == alias
    assert three.head() == head


def test_a_move_that_expects_another_generation_is_refused(three: Registry) -> None:
    three.promote("notes", 1, actor="ada", expected_generation=0)

    with pytest.raises(StaleGeneration, match="generation 1, not the expected 0"):
        three.promote("notes", 2, actor="ada", expected_generation=0)
    with pytest.raises(StaleGeneration):
        three.promote("notes", 1, actor="ada", expected_generation=2)
    with pytest.raises(StaleGeneration):
        three.rollback("notes", actor="ada", expected_generation=2)
    assert three.promote("notes", 2, actor="ada", expected_generation=1).generation == 2
    assert three.rollback("notes", actor="ada", expected_generation=2).generation == 3


def test_rollbacks_walk_back_and_never_swing(three: Registry) -> None:
    for number in (1, 2, 3):
        three.promote("notes", number, actor="ada")

    assert three.rollback("notes", actor="ada").number == 2
    assert three.rollback("notes", actor="ada").number == 1
    with pytest.raises(NothingToRollBack, match="'notes@production' has no target before"):
        three.rollback("notes", actor="ada")
    assert three.aliases("notes")[0].generation == 5


def test_a_promotion_after_a_rollback_begins_from_there(three: Registry) -> None:
    for number in (1, 2):
        three.promote("notes", number, actor="ada")
    three.rollback("notes", actor="ada")
    three.promote("notes", 3, actor="ada")

    assert three.rollback("notes", actor="ada").number == 1


def test_aliases_of_an_adapter_move_apart(three: Registry) -> None:
    three.promote("notes", 1, actor="ada")
    three.promote("notes", 2, alias="canary", actor="ada")

    assert three.history("notes", alias="canary")[0].to_number == 2
    assert len(three.history("notes")) == 2
    with pytest.raises(AliasNotFound):
        three.history("notes", alias="shadow")
    with pytest.raises(NothingToRollBack):
        three.rollback("notes", alias="canary", actor="ada")


@pytest.mark.parametrize("alias", ["7", "sha256", "Production", ""])
def test_an_alias_needs_a_legal_name(three: Registry, alias: str) -> None:
    with pytest.raises(InvalidReference):
        three.promote("notes", 1, alias=alias, actor="ada")


def test_every_change_writes_one_event_and_the_log_is_chained(three: Registry) -> None:
    three.promote("notes", 1, actor="bob")

    events = three.events()

    assert [(e.kind, e.subject, e.actor) for e in events] == [
        (EventKind.BASE_ADDED, TINY, "ada"),
        (EventKind.VERSION_PUBLISHED, "notes:1", "ada"),
        (EventKind.VERSION_PUBLISHED, "notes:2", "ada"),
        (EventKind.VERSION_PUBLISHED, "notes:3", "ada"),
        (EventKind.ALIAS_MOVED, "notes@production", "bob"),
    ]
    assert_chained(events)
    assert three.head() == 5
    assert three.events(after=4) == events[4:]
    assert three.events(after=1, limit=2) == events[1:3]
    assert events[-1].payload["digest"] == str(three.resolve("notes").digest)


def test_a_base_may_be_added_again_from_where_it_lies_now(
    registry: Registry, tmp_path: Path
) -> None:
    known = registry.base(TINY)
    moved = make_base(tmp_path / "moved")
    head = registry.head()

    assert registry.add_base(TINY, known.path, actor="ada") == known
    assert registry.head() == head
    assert registry.add_base(TINY, moved, actor="ada").path == moved
    assert registry.events(after=head)[0].kind is EventKind.BASE_MOVED
    assert registry.base(TINY).created_at == known.created_at


def test_a_name_stands_for_one_thing(
    three: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    other = make_base(tmp_path / "other", fill=9)

    with pytest.raises(NameTaken, match="'tiny' is base model sha256:"):
        three.add_base(TINY, other, actor="ada")
    with pytest.raises(NameTaken, match="an adapter's name"):
        three.add_base("notes", other, actor="ada")
    with pytest.raises(NameTaken, match="a base model's name"):
        publish(three, adapter_folder(1), name=TINY)
    with pytest.raises(NameTaken, match="reserved"):
        publish(three, adapter_folder(1), name="auto")


@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[2J", "\ud800", "\u202e", "x" * 501])
def test_text_for_people_is_one_printable_line(
    three: Registry, adapter_folder: Folders, text: str
) -> None:
    with pytest.raises(AdmissionRefused, match="rule text"):
        three.promote("notes", 1, actor=text)
    if text:
        with pytest.raises(AdmissionRefused, match="rule text"):
            three.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", note=text)


def test_a_checkout_holds_the_published_files(
    registry: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    folder = adapter_folder(1)
    version = registry.publish(folder, name="notes", base=TINY, actor="ada")

    target = registry.checkout(version, tmp_path / "checkouts")

    assert target == tmp_path / "checkouts" / version.digest.hex
    for file in folder.iterdir():
        assert (target / file.name).read_bytes() == file.read_bytes()
    assert registry.checkout(version, tmp_path / "checkouts") == target
