"""A registry of an earlier release becomes one of this release, whole or not at all."""

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from medley_registry import (
    IndexDamaged,
    NeedsMigration,
    NotARegistry,
    VersionState,
    open_registry,
)
from medley_registry.backends.migrating import migrate_postgres_index, migrate_sqlite_index
from medley_registry.backends.postgres import PostgresIndex, create_postgres_index
from medley_registry.backends.sqlite import create_sqlite_index

from tests.builders import make_adapter
from tests.invariants import assert_sound
from tests.stores.postgres import running_postgres

FIRST_RELEASE = Path(__file__).with_name("registry-0001.sql")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a registry that the first release wrote, with its blobs."""
    with open_registry(tmp_path / "registry", create=True) as registry:
        for content in (1, 2, 3):
            for file in make_adapter(tmp_path / str(content), fill=content).iterdir():
                with file.open("rb") as stream:
                    registry.blobs.put(stream)
    index = tmp_path / "registry/registry.db"
    index.unlink()
    with closing(sqlite3.connect(index)) as connection:
        connection.executescript(FIRST_RELEASE.read_text())
    return tmp_path / "registry"


def schema(index: Path) -> dict[str, str]:
    with closing(sqlite3.connect(index)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return {name: " ".join(sql.split()) for name, sql in rows}


def test_an_earlier_registry_is_not_opened_but_its_owner_is_told_what_to_do(old: Path) -> None:
    with pytest.raises(NeedsMigration, match="medley registry migrate"):
        open_registry(old)


def test_a_migrated_registry_holds_everything_the_earlier_one_did(old: Path) -> None:
    assert migrate_sqlite_index(old / "registry.db") == "0001"

    with open_registry(old) as registry:
        assert_sound(registry, registry.blobs)
        assert [adapter.name for adapter in registry.adapters()] == ["letters", "notes"]
        versions = registry.versions("notes")
        assert [version.note for version in versions] == ["round 1", "round 2", "round 3"]
        assert {version.state for version in versions} == {VersionState.ADMITTED}
        assert registry.resolve("notes").number == 2
        assert registry.resolve("letters@canary").number == 1
        assert registry.head() == 10
        assert registry.rollback("notes", actor="ada").number == 1
        assert [v.base for v in registry.evidence.variants("notes", 1)] == ["tiny"]


def test_a_migrated_index_has_the_schema_of_a_new_one(old: Path, tmp_path: Path) -> None:
    migrate_sqlite_index(old / "registry.db")
    create_sqlite_index(tmp_path / "new.db")

    assert schema(old / "registry.db") == schema(tmp_path / "new.db")


def test_the_earlier_index_is_kept_beside_the_migrated_one(old: Path) -> None:
    before = schema(old / "registry.db")

    migrate_sqlite_index(old / "registry.db")

    assert schema(old / "registry.db.0001") == before


def test_migrating_again_changes_nothing(old: Path) -> None:
    migrate_sqlite_index(old / "registry.db")
    before = (old / "registry.db").read_bytes()

    assert migrate_sqlite_index(old / "registry.db") is None
    assert (old / "registry.db").read_bytes() == before


def test_rows_that_do_not_fit_together_stop_a_migration_before_it_changes_anything(
    old: Path,
) -> None:
    with closing(sqlite3.connect(old / "registry.db")) as connection:
        connection.execute("DROP TRIGGER adapter_no_delete")
        connection.execute("DELETE FROM adapter WHERE name = 'letters'")
        connection.commit()
    before = schema(old / "registry.db")

    with pytest.raises(IndexDamaged, match="name others that are not there"):
        migrate_sqlite_index(old / "registry.db")

    assert schema(old / "registry.db") == before


def as_release_two(index: Path) -> None:
    """What lies there, as it would if the second schema had made it."""
    with closing(sqlite3.connect(index)) as connection:
        connection.executescript(
            "DROP TABLE traffic_rule; DROP TABLE decision; DROP TABLE item_scores;"
            "UPDATE alembic_version SET version_num = '0002'"
        )


def test_the_third_schema_gets_the_table_of_traffic(tmp_path: Path) -> None:
    index = tmp_path / "registry/registry.db"
    with open_registry(tmp_path / "registry", create=True):
        pass
    with closing(sqlite3.connect(index)) as connection:
        connection.executescript(
            "DROP TABLE traffic_rule; UPDATE alembic_version SET version_num = '0003'"
        )

    assert migrate_sqlite_index(index) == "0003"

    create_sqlite_index(tmp_path / "new.db")
    assert schema(index) == schema(tmp_path / "new.db")


def test_the_second_schema_gets_the_tables_of_the_gate(tmp_path: Path) -> None:
    index = tmp_path / "registry/registry.db"
    with open_registry(tmp_path / "registry", create=True):
        pass
    as_release_two(index)
    with pytest.raises(NeedsMigration):
        open_registry(tmp_path / "registry")

    assert migrate_sqlite_index(index) == "0002"

    create_sqlite_index(tmp_path / "new.db")
    assert schema(index) == schema(tmp_path / "new.db")


def test_a_schema_in_postgresql_is_migrated_where_it_is() -> None:
    server = running_postgres()
    url, name = server.url, f"migrated-{uuid.uuid4().hex[:8]}"
    create_postgres_index(url, name)
    server.execute(
        f'DROP TABLE "{name}".traffic_rule; DROP TABLE "{name}".decision;'
        f'DROP TABLE "{name}".item_scores;'
        f"UPDATE \"{name}\".alembic_version SET version_num = '0002'"
    )
    with pytest.raises(NeedsMigration):
        PostgresIndex(url, name)

    assert migrate_postgres_index(url, name) == "0002"
    assert migrate_postgres_index(url, name) is None

    with closing(PostgresIndex(url, name)) as index:
        assert index.examine() == []


def test_postgresql_that_has_no_registry_is_not_migrated() -> None:
    with pytest.raises(NotARegistry):
        migrate_postgres_index(running_postgres().url, "nothing-here")
