"""Every damage is found by its own name, and nothing is found where there is none."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_registry import (
    Registry,
    RegistryError,
    SignatureRefused,
    VersionState,
    make_key,
    open_registry,
    timestamps,
)
from medley_registry.backends.migrating import migrate_sqlite_index
from medley_registry.backends.postgres import PostgresIndex
from medley_registry.blobs import StoredBlob
from medley_registry.events import GENESIS_HASH
from medley_registry.upkeep import Code, check, collect, fsck, read_seal, seal

from tests.builders import TINY, make_adapter, make_base
from tests.contract.conftest import new_registry
from tests.damages import DAMAGES
from tests.damaging import Damage, Stage, by_mallory, rewrite_log, sql
from tests.populated import NOW, populate, publish

FIRST_RELEASE = Path(__file__).with_name("registry-0001.sql")
CASES = [
    pytest.param(code, damage, subject, id=f"{code}-{n}")
    for code, damages in DAMAGES.items()
    for n, (damage, subject) in enumerate(damages)
]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    home = tmp_path_factory.mktemp("populated")
    with open_registry(home / "registry", create=True) as registry:
        signer = populate(registry, home)
        return Stage(home / "registry", seal(registry, signer), signer.public_key)


@pytest.fixture
def stage(template: Stage, tmp_path: Path) -> Stage:
    """A registry with everything in it, to be damaged."""
    return template.copied(tmp_path / "registry")


@pytest.mark.parametrize(("code", "damage", "subject"), CASES)
def test_damage_is_found_by_its_name(
    stage: Stage, code: Code, damage: Damage | str, subject: str | None
) -> None:
    stage.suffer(damage)

    found = stage.found()

    assert code in {name for name, _ in found}
    assert subject is None or (code, subject) in found


def test_every_code_has_a_damage_that_gives_it() -> None:
    assert DAMAGES.keys() | {Code.SEAL_BROKEN} == {*Code}


def test_a_sound_registry_has_nothing_to_find(empty: Registry, tmp_path: Path) -> None:
    populate(empty, tmp_path)

    checked = check(empty)

    assert checked.findings == ()
    assert (checked.versions, checked.events) == (8, empty.head())
    assert (checked.blobs, checked.orphans) == (7, 0)  # one is the configuration of all


def test_a_registry_that_was_migrated_has_nothing_to_find(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "registry")
    with open_registry(stage.folder, create=True) as registry:
        for content in (1, 2, 3):
            for file in make_adapter(tmp_path / str(content), fill=content).iterdir():
                with file.open("rb") as stream:
                    registry.blobs.put(stream)
    (stage.folder / "registry.db").unlink()
    with closing(sqlite3.connect(stage.folder / "registry.db")) as connection:
        connection.executescript(FIRST_RELEASE.read_text())
    migrate_sqlite_index(stage.folder / "registry.db")
    assert stage.found() == set()

    stage.suffer(sql("UPDATE version SET round = 9 WHERE number = 2"))
    stage.suffer(sql("UPDATE alias_move SET reason = 'withdraw' WHERE generation = 1"))

    altered = {subject for code, subject in stage.found() if code is Code.ROW_ALTERED}
    assert {"notes:2", "AliasMove notes production 1"} <= altered


@pytest.mark.slow
def test_a_guard_that_is_gone_or_asleep_is_found_in_postgresql(tmp_path: Path) -> None:
    with new_registry("scale", tmp_path) as registry:
        assert isinstance(registry.index, PostgresIndex)
        schema = registry.index._schema
        with registry.index.write() as writer:
            for change in (
                f'DROP TRIGGER version_no_delete ON "{schema}".version',
                f'ALTER TABLE "{schema}".event DISABLE TRIGGER event_no_update',
            ):
                writer.connection.exec_driver_sql(change)

        assert {(finding.code, finding.subject) for finding in fsck(registry)} == {
            (Code.INDEX_SCHEMA, "trigger version_no_delete"),
            (Code.INDEX_SCHEMA, "trigger event_no_update"),
        }


def test_one_damaged_row_hides_no_other_damage(stage: Stage) -> None:
    stage.suffer(sql("UPDATE version SET state = 'x' WHERE number = 4"))
    stage.suffer(sql("UPDATE event SET kind = 'x' WHERE seq = 5"))
    stage.blob("notes:2").unlink()

    found = {code for code, _ in stage.found()}

    assert found >= {Code.ROW_UNREADABLE, Code.BLOB_MISSING, Code.VERSION_NUMBERS}
    assert found.isdisjoint({Code.EVENT_UNCHAINED, Code.EVENT_MISSING})


def test_a_quick_check_looks_at_presence_and_size_only(stage: Stage) -> None:
    ((spoil, _),) = DAMAGES[Code.BLOB_CONTENT]
    ((shorten, _),) = DAMAGES[Code.BLOB_SIZE]

    stage.suffer(spoil)
    assert stage.found(is_quick=True) == set()
    stage.suffer(shorten)
    assert {code for code, _ in stage.found(is_quick=True)} == {Code.BLOB_SIZE}
    stage.blob("notes:2").unlink()
    assert {code for code, _ in stage.found(is_quick=True)} == {Code.BLOB_MISSING}


def test_blobs_that_nothing_names_are_counted_and_no_damage(
    registry: Registry, tmp_path: Path
) -> None:
    with (make_base(tmp_path / "other") / "config.json").open("rb") as stream:
        registry.blobs.put(stream)

    checked = check(registry)

    assert (checked.findings, checked.orphans) == ((), 1)


def test_progress_tells_the_bytes_that_are_hashed(registry: Registry, tmp_path: Path) -> None:
    publish(registry, tmp_path, 1)
    seen: list[tuple[int, int]] = []

    fsck(registry, progress=lambda done, total: seen.append((done, total)))

    size_bytes = registry.resolve("notes:1").size_bytes
    assert seen[-1] == (size_bytes, size_bytes)


def test_a_version_deleted_and_collected_meanwhile_is_no_damage(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry, tmp_path, 1)
    publish(registry, tmp_path, 2)
    listed = registry.blobs.list

    def delete_first() -> Iterator[StoredBlob]:
        registry.lifecycle.delete("notes", 2, actor="eve", reason="a mistake")
        monkeypatch.setattr(registry.blobs, "list", listed)
        assert collect(registry, actor="timer", grace=NOW, retention=NOW).blobs == 1
        return listed()

    monkeypatch.setattr(registry.blobs, "list", delete_first)

    assert fsck(registry) == []


@pytest.mark.parametrize(
    "kind", ["version.published", "alias.moved", "evidence.added", "content.revoked"]
)
def test_a_log_that_was_cut_off_is_found_by_its_rows(stage: Stage, kind: str) -> None:
    newest = f"(SELECT max(seq) FROM event WHERE kind = '{kind}')"
    stage.suffer(sql(f"DELETE FROM event WHERE seq >= {newest}"))

    assert Code.ROW_WITHOUT_EVENT in {code for code, _ in stage.found()}


def test_a_seal_fits_the_log_that_goes_on(stage: Stage) -> None:
    with open_registry(stage.folder) as registry:
        registry.lifecycle.validate("notes", 7, actor="eve")

        assert fsck(registry, seal=read_seal(stage.seal, public_key=stage.public_key)) == []


@pytest.mark.parametrize(
    "damage",
    [  # the newest event is a collection, of which no row tells
        sql("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)"),
        rewrite_log(by_mallory),
    ],
    ids=["cut off", "written anew"],
)
def test_what_no_check_can_see_is_found_by_a_seal(stage: Stage, damage: Damage) -> None:
    stage.suffer(damage)
    assert stage.found() == set()

    with open_registry(stage.folder) as registry:
        found = fsck(registry, seal=read_seal(stage.seal, public_key=stage.public_key))

    assert [finding.code for finding in found] == [Code.SEAL_BROKEN]


def test_an_empty_log_can_be_sealed(empty: Registry, tmp_path: Path) -> None:
    signer = make_key(tmp_path / "key.pem")
    kept = read_seal(seal(empty, signer), public_key=signer.public_key)

    assert (kept.seq, kept.hash) == (0, GENESIS_HASH)
    assert kept.at <= timestamps.now()
    assert fsck(empty, seal=kept) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"seq": ', '"seq": 1'),
        lambda text: text.replace('"hash": "', '"hash": "0'),
        lambda text: text.replace('"at": "2', '"at": "1'),
        lambda text: text.replace('"at": "2', '"at": "x'),
        lambda text: text.replace('"bundle"', '"bundel"'),
        lambda text: text[:-1],
        lambda text: "[]",
    ],
)
def test_a_seal_that_was_changed_is_refused(stage: Stage, change: Callable[[str], str]) -> None:
    with pytest.raises(SignatureRefused):
        read_seal(change(stage.seal), public_key=stage.public_key)


def test_a_seal_by_another_key_is_refused(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(SignatureRefused):
        read_seal(stage.seal, public_key=make_key(tmp_path / "other.pem").public_key)


ACTS: dict[str, Callable[[Registry, Path, int], object]] = {
    "publish": publish,
    "draft": lambda r, home, n: publish(r, home, n, state=VersionState.DRAFT),
    "letters": lambda r, home, n: publish(r, home, n, name="letters"),
    "promote": lambda r, home, n: r.promote("notes", n, actor="ada"),
    "canary": lambda r, home, n: r.promote("notes", n, alias="canary", actor="ada"),
    "rollback": lambda r, home, n: r.rollback("notes", actor="ada"),
    "validate": lambda r, home, n: r.lifecycle.validate("notes", n, actor="eve"),
    "admit": lambda r, home, n: r.lifecycle.admit("notes", n, actor="eve"),
    "deprecate": lambda r, home, n: r.lifecycle.deprecate("notes", n, actor="eve"),
    "quarantine": lambda r, home, n: r.lifecycle.quarantine("notes", n, actor="eve", reason="x"),
    "revoke": lambda r, home, n: r.lifecycle.revoke(
        r.resolve(f"notes:{n}").digest, actor="eve", reason="x"
    ),
    "delete": lambda r, home, n: r.lifecycle.delete("notes", n, actor="eve", reason="x"),
    "lease": lambda r, home, n: r.leases.take(r.resolve(f"notes:{n}"), holder="x", seconds=60),
    "collect": lambda r, home, n: collect(r, actor="timer", grace=NOW, retention=NOW),
}


@pytest.mark.parametrize(("store", "times"), [("memory", 40), ("disk", 8)])
def test_whatever_was_done_there_is_nothing_to_find(store: str, times: int) -> None:
    """A refused act changes nothing; a collection among them takes nothing that is needed."""

    @settings(max_examples=times)
    @given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(1, 4)), max_size=30))
    def act(acts: list[tuple[str, int]]) -> None:
        with tempfile.TemporaryDirectory() as name, new_registry(store, Path(name)) as registry:
            registry.add_base(TINY, make_base(Path(name, "base")), actor="ada")
            for what, number in acts:
                with suppress(RegistryError):
                    ACTS[what](registry, Path(name), number)
            assert fsck(registry) == []

    act()
