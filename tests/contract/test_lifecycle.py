"""What becomes of versions, and what aliases do about it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import (
    AliasInUse,
    BlobMissing,
    Conflict,
    EventKind,
    IllegalTransition,
    MoveReason,
    NothingToRollBack,
    NotServable,
    Registry,
    VersionDeleted,
    VersionNotFound,
    VersionState,
    Withdrawn,
)
from medley_registry.adapters import FIRST_STATES, NEXT_STATES

from tests.builders import TINY
from tests.invariants import assert_sound

Folders = Callable[[int], Path]


@pytest.fixture
def three(registry: Registry, adapter_folder: Folders) -> Registry:
    """`notes` in three versions, each of which was in production in its turn."""
    for content in (1, 2, 3):
        registry.publish(adapter_folder(content), name="notes", base=TINY, actor="ada")
        registry.promote("notes", content, actor="ada")
    return registry


def state(registry: Registry, number: int) -> VersionState:
    return registry.versions("notes")[number - 1].state


def test_a_draft_is_validated_and_admitted_before_it_can_be_promoted(
    registry: Registry, adapter_folder: Folders
) -> None:
    registry.publish(
        adapter_folder(1), name="notes", base=TINY, actor="ada", state=VersionState.DRAFT
    )
    with pytest.raises(NotServable, match="draft"):
        registry.promote("notes", 1, actor="ada")

    registry.lifecycle.validate("notes", 1, actor="eve")
    registry.lifecycle.admit("notes", 1, actor="eve")

    assert registry.promote("notes", 1, actor="ada").generation == 1
    changes = [e for e in registry.events() if e.kind is EventKind.VERSION_STATE_CHANGED]
    assert [(e.payload["from"], e.payload["to"]) for e in changes] == [
        ("draft", "validated"),
        ("validated", "admitted"),
    ]


@pytest.mark.parametrize("wanted", sorted(set(VersionState) - FIRST_STATES))
def test_no_version_begins_at_its_end(
    registry: Registry, adapter_folder: Folders, wanted: VersionState
) -> None:
    with pytest.raises(IllegalTransition, match="it may begin"):
        registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", state=wanted)


def test_every_state_leads_to_an_end_and_the_end_leads_nowhere() -> None:
    assert NEXT_STATES.keys() == set(VersionState)
    assert NEXT_STATES[VersionState.DELETED] == frozenset()
    for following in NEXT_STATES.values():
        assert following <= set(VersionState)
    assert all(VersionState.DELETED in NEXT_STATES[s] for s in VersionState if s != "deleted")


def test_a_version_that_cannot_become_that_says_what_it_can_become(three: Registry) -> None:
    with pytest.raises(IllegalTransition, match="is admitted; from there"):
        three.lifecycle.validate("notes", 1, actor="ada")


def test_a_deprecated_version_keeps_its_aliases_and_gets_no_more(three: Registry) -> None:
    three.lifecycle.deprecate("notes", 3, actor="eve", reason="old")

    assert three.resolve("notes").number == 3
    with pytest.raises(NotServable, match="deprecated"):
        three.promote("notes", 3, alias="canary", actor="ada")

    three.lifecycle.admit("notes", 3, actor="eve")
    assert three.promote("notes", 3, alias="canary", actor="ada").number == 3


def test_aliases_step_back_from_a_quarantined_version(three: Registry) -> None:
    three.lifecycle.quarantine("notes", 3, actor="eve", reason="odd norms")

    assert three.resolve("notes").number == 2
    assert three.history("notes")[-1].reason is MoveReason.WITHDRAW
    with pytest.raises(NotServable):
        three.promote("notes", 3, actor="ada")


def test_revoking_moves_every_alias_off_the_content(three: Registry) -> None:
    three.promote("notes", 1, alias="canary", actor="ada")
    three.promote("notes", 3, alias="canary", actor="ada")

    moved = three.lifecycle.revoke(three.resolve("notes:3").digest, actor="eve", reason="poisoned")

    assert [(alias.name, alias.number) for alias in moved] == [("canary", 1), ("production", 2)]
    assert state(three, 3) is VersionState.REVOKED


def test_revoking_reaches_the_content_under_every_name(
    three: Registry, adapter_folder: Folders
) -> None:
    other = three.publish(adapter_folder(3), name="letters", base=TINY, actor="ada")

    three.lifecycle.revoke(other.digest, actor="eve", reason="poisoned")

    assert three.resolve("letters:1").state is VersionState.REVOKED
    assert state(three, 3) is VersionState.REVOKED


def test_a_revocation_that_would_leave_an_alias_nowhere_changes_nothing(three: Registry) -> None:
    three.promote("notes", 3, alias="canary", actor="ada")
    head = three.head()

    with pytest.raises(AliasInUse, match="notes@canary"):
        three.lifecycle.revoke(three.resolve("notes:3").digest, actor="eve", reason="poisoned")

    assert three.head() == head
    assert three.resolve("notes").number == 3
    assert state(three, 3) is VersionState.ADMITTED


def test_revoked_content_does_not_come_back(three: Registry, adapter_folder: Folders) -> None:
    digest = three.resolve("notes:3").digest
    three.lifecycle.revoke(digest, actor="eve", reason="poisoned")

    for name in ("notes", "letters"):
        with pytest.raises(Withdrawn, match="poisoned"):
            three.publish(adapter_folder(3), name=name, base=TINY, actor="ada")
    with pytest.raises(Withdrawn):
        three.lifecycle.revoke(digest, actor="eve", reason="again")
    with pytest.raises(IllegalTransition):
        three.lifecycle.admit("notes", 3, actor="ada")


def test_a_rollback_passes_over_what_may_not_be_served(three: Registry) -> None:
    three.lifecycle.revoke(three.resolve("notes:2").digest, actor="eve", reason="poisoned")

    assert three.rollback("notes", actor="ada").number == 1
    with pytest.raises(NothingToRollBack):
        three.rollback("notes", actor="ada")


def test_a_revoked_version_is_neither_checked_out_nor_pulled(
    three: Registry, tmp_path: Path
) -> None:
    version = three.resolve("notes:3")
    three.lifecycle.revoke(version.digest, actor="eve", reason="poisoned")

    with pytest.raises(NotServable, match="revoked"):
        three.checkout(version, tmp_path / "out")
    with pytest.raises(NotServable, match="revoked"):
        three.pull(version, tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()


def test_a_quarantined_version_can_be_looked_into_but_not_served(
    three: Registry, tmp_path: Path
) -> None:
    version = three.lifecycle.quarantine("notes", 3, actor="eve", reason="odd")

    assert {file.name for file in three.pull(version, tmp_path / "pulled").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    with pytest.raises(NotServable):
        three.checkout(version, tmp_path / "out")


def test_a_deleted_version_leaves_a_tombstone_and_its_number(
    three: Registry, adapter_folder: Folders
) -> None:
    stone = three.lifecycle.delete("notes", 1, actor="eve", reason="patient withdrew")

    with pytest.raises(VersionDeleted, match="patient withdrew"):
        three.resolve("notes:1")
    assert three.lifecycle.tombstone("notes", 1) == stone
    assert state(three, 1) is VersionState.DELETED
    with pytest.raises(Withdrawn, match="notes:1, which was deleted"):
        three.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")
    assert three.publish(adapter_folder(4), name="notes", base=TINY, actor="ada").number == 4


def test_a_version_that_an_alias_points_at_is_not_deleted(three: Registry) -> None:
    with pytest.raises(AliasInUse, match="notes@production"):
        three.lifecycle.delete("notes", 3, actor="eve", reason="tidy")


def test_validating_reads_the_stored_bytes(registry: Registry, adapter_folder: Folders) -> None:
    version = registry.publish(
        adapter_folder(1), name="notes", base=TINY, actor="ada", state=VersionState.DRAFT
    )
    registry.blobs.remove(version.manifest.files[0].sha256)

    with pytest.raises(BlobMissing):
        registry.lifecycle.validate("notes", 1, actor="ada")


def test_what_never_was_cannot_be_taken_back(three: Registry) -> None:
    with pytest.raises(VersionNotFound):
        three.lifecycle.revoke(three.base(TINY).base_id, actor="eve", reason="?")
    with pytest.raises(VersionNotFound):
        three.lifecycle.delete("notes", 9, actor="eve", reason="?")


def test_a_registry_is_sound_after_all_of_it(three: Registry) -> None:
    three.lifecycle.quarantine("notes", 2, actor="eve", reason="odd")
    three.lifecycle.revoke(three.resolve("notes:3").digest, actor="eve", reason="poisoned")
    three.lifecycle.delete("notes", 3, actor="eve", reason="for good")

    assert three.resolve("notes").number == 1
    assert_sound(three, three.blobs)


def test_revoked_weights_do_not_come_back_with_another_readme(
    three: Registry, adapter_folder: Folders
) -> None:
    three.lifecycle.revoke(three.resolve("notes:3").digest, actor="eve", reason="poisoned")
    (adapter_folder(3) / "README.md").write_text("quite another adapter")

    with pytest.raises(Withdrawn, match="poisoned"):
        three.publish(adapter_folder(3), name="notes", base=TINY, actor="ada")


def test_a_rollback_goes_somewhere_else(three: Registry) -> None:
    for number in (1, 2, 1):
        three.promote("notes", number, alias="canary", actor="ada")
    three.lifecycle.quarantine("notes", 2, actor="eve", reason="odd")

    with pytest.raises(NothingToRollBack):
        three.rollback("notes", alias="canary", actor="ada")


def test_a_quarantine_during_a_validation_is_not_wiped_out(
    registry: Registry, adapter_folder: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.publish(
        adapter_folder(1), name="notes", base=TINY, actor="ada", state=VersionState.DRAFT
    )

    def quarantine_meanwhile(_: object) -> None:
        registry.lifecycle.quarantine("notes", 1, actor="eve", reason="odd")

    monkeypatch.setattr(registry.lifecycle, "_check_bytes", quarantine_meanwhile)

    with pytest.raises(Conflict, match="quarantined meanwhile"):
        registry.lifecycle.validate("notes", 1, actor="ada")
    assert state(registry, 1) is VersionState.QUARANTINED


@pytest.mark.parametrize("number", [0, -1, 2**62, 2**70])
def test_a_number_that_no_version_has_is_not_found(three: Registry, number: int) -> None:
    with pytest.raises(VersionNotFound):
        three.promote("notes", number, actor="ada")


def test_pages_beyond_either_end_are_empty(three: Registry) -> None:
    assert three.versions("notes", limit=-1) == []
    assert three.versions("notes", before=-5) == []
    assert len(three.versions("notes", before=2**70, limit=2**70)) == 3
    assert three.events(after=2**70) == []
    assert len(three.events(after=-3, limit=2)) == 2


def test_a_changed_checkout_is_made_anew(three: Registry, tmp_path: Path) -> None:
    version = three.resolve("notes")
    folder = three.checkout(version, tmp_path / "out")
    weights = folder / "adapter_model.safetensors"
    weights.chmod(0o644)
    right = weights.read_bytes()
    weights.write_bytes(right[:-1] + b"x")

    three.checkout(version, tmp_path / "out")
    assert weights.read_bytes() == right

    (folder / "tokenizer.json").write_text("{}")
    three.checkout(version, tmp_path / "out")
    assert not (folder / "tokenizer.json").exists()
