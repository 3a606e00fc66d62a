import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import Busy, IndexDamaged, NotARegistry, Unavailable
from medley_registry.backends import sqlite
from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index
from sqlalchemy.exc import IntegrityError

from tests.contract.test_index import fill
from tests.records import alias, event, move


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "registry.db"
    create_sqlite_index(path)
    return path


def pragma(index: SqliteIndex, name: str) -> object:
    with index.write() as writer:
        connection = writer.connection
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_every_connection_is_set_up_for_durability(path: Path) -> None:
    index = SqliteIndex(path)

    assert pragma(index, "journal_mode") == "wal"
    assert pragma(index, "synchronous") == 2  # FULL
    assert pragma(index, "foreign_keys") == 1
    index.close()


def test_a_reader_cannot_write(path: Path) -> None:
    index = SqliteIndex(path)

    with pytest.raises(Unavailable, match="readonly"), index.read() as reader:
        reader.connection.exec_driver_sql("DELETE FROM alias")
    index.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE version SET digest = 'x'",
        "UPDATE version SET note = 'x'",
        "DELETE FROM version",
        "UPDATE event SET payload = '{}'",
        "DELETE FROM event",
        "UPDATE alias_move SET to_number = 2",
        "DELETE FROM alias_move",
        "UPDATE adapter SET name = 'x'",
        "DELETE FROM adapter",
        "UPDATE base SET weights_digest = 'x'",
        "DELETE FROM base",
        "INSERT OR REPLACE INTO version SELECT * FROM version",
        "REPLACE INTO event SELECT * FROM event",
    ],
)
def test_published_rows_are_final_whoever_opens_the_file(path: Path, statement: str) -> None:
    index = SqliteIndex(path)
    with index.write() as writer:
        fill(writer, versions=2)
        writer.add(alias(1, to=1))
        writer.add(move(1, to=1))
        writer.append(event(None))
    index.close()

    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="final"):
        connection.execute(statement)
    connection.close()


def test_an_alias_cannot_point_at_nothing(path: Path) -> None:
    index = SqliteIndex(path)

    with index.write() as writer:
        fill(writer, versions=1)

    with pytest.raises(IntegrityError, match="FOREIGN KEY"), index.write() as writer:
        writer.add(replace(alias(1, to=1), number=2))
    index.close()


def test_creating_again_keeps_what_is_there(path: Path) -> None:
    index = SqliteIndex(path)
    with index.write() as writer:
        fill(writer, versions=1)
    index.close()

    create_sqlite_index(path)

    index = SqliteIndex(path)
    with index.read() as reader:
        assert reader.last_number("notes") == 1
    index.close()


def test_creating_at_once_makes_one_index(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    threads = [threading.Thread(target=create_sqlite_index, args=(path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    SqliteIndex(path).close()
    assert [file.name for file in tmp_path.iterdir()] == ["registry.db"]


def test_a_writer_that_waits_too_long_is_told_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PATIENCE_S", 0.05)
    index, other = SqliteIndex(path), SqliteIndex(path)

    with index.write():
        with pytest.raises(Busy), index.write():
            pass
        with pytest.raises(Busy), other.write():
            pass
    index.close()
    other.close()


def test_another_schema_is_not_opened(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()

    with pytest.raises(NotARegistry, match="has schema 9999; this version of medley reads"):
        SqliteIndex(path)


def test_another_database_is_no_registry(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    sqlite3.connect(path).close()

    with pytest.raises(NotARegistry, match="not a registry's"):
        SqliteIndex(path)


def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("no database " * 100)

    with pytest.raises(IndexDamaged):
        SqliteIndex(path)


def test_a_file_that_went_away_is_unavailable(path: Path) -> None:
    index = SqliteIndex(path)
    index.close()
    path.unlink()
    path.mkdir()

    with pytest.raises(Unavailable), index.read():
        pass
