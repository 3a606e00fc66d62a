from pathlib import Path

import pytest
from medley_registry import Registry, Version, VersionState, open_registry
from medley_registry.errors import NotARegistry
from medley_server import following
from medley_server.following import Reading, read
from medley_server.served_base import ServedBase

from tests.builders import TINY, make_adapter, make_base


def tiny(registry: Registry) -> ServedBase:
    return ServedBase.as_it_is(registry.base(TINY))


def numbers(reading: Reading) -> list[tuple[str, int, str]]:
    return [(one.adapter, one.number, one.state.value) for one in reading.versions]


def test_at_first_everything_is_read(registry: Registry, versions: list[Version]) -> None:
    reading = read(registry, tiny(registry), after=0)

    assert reading.is_whole
    assert reading.head == registry.head()
    assert numbers(reading) == [("note", 1, "admitted"), ("note", 2, "admitted")]
    assert [alias.reference for alias in reading.aliases] == ["note@production"]


def test_then_only_what_has_changed_is_read_again(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    base, seen = tiny(registry), registry.head()
    registry.publish(make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t")
    registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")
    registry.access.add("key", scopes=["infer"], actor="t")

    reading = read(registry, base, after=seen)

    assert not reading.is_whole
    assert numbers(reading) == [("note", 2, "quarantined"), ("note", 3, "admitted")]
    assert numbers(read(registry, base, after=registry.head())) == []


def test_content_that_is_revoked_changes_every_version_that_has_it(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    registry.publish(tmp_path / "note2", name="copy", base=TINY, actor="t")
    seen = registry.head()
    registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")

    reading = read(registry, tiny(registry), after=seen)

    assert numbers(reading) == [("copy", 1, "revoked"), ("note", 2, "revoked")]


def test_a_deleted_version_is_read_as_deleted(registry: Registry, versions: list[Version]) -> None:
    seen = registry.head()
    registry.lifecycle.delete("note", 2, actor="t", reason="a duplicate")

    (changed,) = read(registry, tiny(registry), after=seen).versions

    assert changed.state is VersionState.DELETED


def test_another_registry_in_its_place_is_not_followed(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    base = tiny(registry)
    with open_registry(tmp_path / "another", create=True) as another:
        another.add_base("other", make_base(tmp_path / "other", fill=9), actor="t")

        with pytest.raises(NotARegistry, match=f"does not know base {TINY}"):
            read(another, base, after=registry.head())


def test_versions_of_another_base_are_none_of_ours(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    seen = registry.head()
    registry.add_base("other", make_base(tmp_path / "other", fill=9), actor="t")
    registry.publish(make_adapter(tmp_path / "x"), name="foreign", base="other", actor="t")

    assert read(registry, tiny(registry), after=seen).versions == []


def test_after_too_many_events_or_a_restored_registry_everything_is_read_again(
    registry: Registry, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny(registry)

    assert read(registry, base, after=registry.head() + 1).is_whole
    monkeypatch.setattr(following, "MOST_EVENTS", 1)
    assert read(registry, base, after=1).is_whole
