import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from medley_registry import (
    Adapter,
    BaseModel,
    Busy,
    NeedsMigration,
    NotARegistry,
    RegistryError,
    Unavailable,
    Version,
)
from medley_registry.backends import postgres, tables
from medley_registry.backends.postgres import PostgresIndex, create_postgres_index
from sqlalchemy.exc import IntegrityError

from tests.records import ADAPTER, BASE, EVERY_KIND, event, version
from tests.stores.conftest import add_base, base_names
from tests.stores.postgres import PostgresServer, postgres_index, running_postgres

FINAL = {table.name: changeable for table, changeable in tables.FINAL.items()}
PASSING = {table.name for table in tables.PASSING}


@pytest.fixture(scope="module")
def filled() -> str:
    """A schema with a row in every table."""
    index = postgres_index(running_postgres(), "filled")
    with index.write() as writer:
        for record in EVERY_KIND:
            writer.add(record)
        writer.append(event(None))
    index.close()
    return "filled"


def in_threads(work: Callable[[], object], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def refused_statements() -> Iterator[str]:
    for table, changeable in FINAL.items():
        fixed = next(
            c.name for c in tables.metadata.tables[table].columns if c.name not in changeable
        )
        yield f'UPDATE "{table}" SET "{fixed}" = "{fixed}"'
        yield f'TRUNCATE "{table}" CASCADE'
        if table not in PASSING:
            yield f'DELETE FROM "{table}"'


@pytest.mark.parametrize("statement", [*refused_statements()])
def test_published_rows_are_final_whoever_opens_the_database(filled: str, statement: str) -> None:
    url = running_postgres().url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(f"SET search_path TO {filled}".encode())

        with pytest.raises(psycopg.IntegrityError, match="rows are final"):
            connection.execute(statement.encode())
        connection.rollback()


def test_a_reader_cannot_write(index: PostgresIndex) -> None:
    with pytest.raises(Unavailable, match="read-only transaction"), index.read() as reader:
        reader.connection.execute(tables.TABLES[BaseModel].delete())


def test_a_row_cannot_name_what_is_not_there(index: PostgresIndex) -> None:
    with pytest.raises(IntegrityError, match="foreign key"), index.write() as writer:
        writer.add(ADAPTER)


def test_all_text_compares_by_code_point_whatever_the_locale(filled: str) -> None:
    wanted = (
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'filled' AND data_type IN ('text', 'character varying')"
        " AND collation_name IS DISTINCT FROM 'C'"
    )
    index = PostgresIndex(running_postgres().url, filled)
    with index.read() as reader:
        others = reader.connection.exec_driver_sql(wanted).all()
    index.close()

    assert others == [("alembic_version", "version_num")]


def test_creating_again_keeps_what_is_there(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex
) -> None:
    add_base(index)

    create_postgres_index(postgres_server.url, schema)

    assert base_names(index) == ["tiny"]


def test_creating_at_once_makes_one_index(postgres_server: PostgresServer, schema: str) -> None:
    in_threads(lambda: create_postgres_index(postgres_server.url, schema), 4)

    index = PostgresIndex(postgres_server.url, schema)
    assert base_names(index) == []
    index.close()


def test_what_is_no_registry_is_not_opened_and_not_overwritten(
    postgres_server: PostgresServer, schema: str
) -> None:
    url = postgres_server.url
    with pytest.raises(NotARegistry, match="not a registry's"):
        PostgresIndex(url, schema)
    with pytest.raises(NotARegistry, match="make one so"):
        PostgresIndex(url, schema, missing="there is none; make one so")

    postgres_server.execute(f"CREATE SCHEMA {schema}")
    postgres_server.execute(f"CREATE TABLE {schema}.event (mine text)")
    with pytest.raises(NotARegistry, match="holds something else"):
        create_postgres_index(url, schema)
    with pytest.raises(NotARegistry):
        PostgresIndex(url, schema)
    postgres_server.execute(f"SELECT mine FROM {schema}.event")


@pytest.mark.parametrize(("revision", "error"), [("0000", NeedsMigration), ("9999", NotARegistry)])
def test_another_schema_version_is_not_opened(
    postgres_server: PostgresServer,
    schema: str,
    index: PostgresIndex,
    revision: str,
    error: type[RegistryError],
) -> None:
    postgres_server.execute(f"UPDATE {schema}.alembic_version SET version_num = '{revision}'")

    with pytest.raises(error, match=f"has schema {revision}"):
        PostgresIndex(postgres_server.url, schema)


def test_two_schemas_share_nothing_and_wait_for_nobody(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex
) -> None:
    other = postgres_index(postgres_server, f"{schema}_other")

    with index.write() as writer:
        writer.add(BASE)
        add_base(other, "theirs")

    assert (base_names(index), base_names(other)) == (["tiny"], ["theirs"])
    other.close()


def test_a_schema_may_have_any_legal_name_of_a_tenant(postgres_server: PostgresServer) -> None:
    names = [f"tenant_a.b-c_{'x' * 49}{last}" for last in "yz"]
    indexes = [postgres_index(postgres_server, name) for name in names]

    add_base(indexes[0])

    assert [base_names(index) for index in indexes] == [["tiny"], []]
    for index in indexes:
        index.close()


def test_a_writer_that_waits_too_long_is_told_so(
    postgres_server: PostgresServer,
    schema: str,
    index: PostgresIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "PATIENCE_S", 0.05)
    other = PostgresIndex(postgres_server.url, schema)

    with index.write():
        with pytest.raises(Busy, match="stayed locked"), index.write():
            pass
        with pytest.raises(Busy, match="stayed locked"), other.write():
            pass
    add_base(other)
    other.close()


def test_readers_that_use_up_the_connections_make_others_wait_and_then_be_told(
    index: PostgresIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index._engine.pool, "_timeout", 0.05)

    def read_within_reads(depth: int) -> None:
        with index.read():
            if depth:
                read_within_reads(depth - 1)

    read_within_reads(19)
    with pytest.raises(Busy, match="all connections"):
        read_within_reads(20)


def test_a_failure_that_the_caller_hides_is_not_committed_as_if_nothing_were(
    index: PostgresIndex,
) -> None:
    def write_and_hide() -> None:
        with index.write() as writer:
            writer.add(BASE)
            with pytest.raises(IntegrityError):
                writer.add(BASE)

    with pytest.raises(RuntimeError, match="nothing of this transaction"):
        write_and_hide()
    assert base_names(index) == []


def test_many_threads_read_and_write_at_once(index: PostgresIndex) -> None:
    with index.write() as writer:
        writer.add(BASE)
        writer.add(ADAPTER)

    def work() -> None:
        for _ in range(5):
            with index.write() as writer:
                writer.add(version(writer.last_number("notes") + 1))
            with index.read() as reader:
                assert reader.one(Adapter, name="notes") == ADAPTER
                assert len(reader.all(Version)) == reader.last_number("notes")

    in_threads(work, 12)

    with index.read() as reader:
        assert reader.last_number("notes") == 60
