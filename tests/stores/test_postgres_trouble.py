"""What can go wrong with a database server, and what the registry says then."""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import (
    IndexDamaged,
    NotARegistry,
    RegistryError,
    Unavailable,
    UnsupportedLocation,
)
from medley_registry.backends import postgres
from medley_registry.backends.postgres import PostgresIndex, create_postgres_index
from medley_registry.index import IndexWriter

from tests.records import BASE
from tests.stores.conftest import add_base, base_names
from tests.stores.postgres import PostgresServer


def setting(index: PostgresIndex, name: str) -> object:
    with index.read() as reader:
        return reader.connection.exec_driver_sql(f"SHOW {name}").scalar_one()


def end_sessions(server: PostgresServer) -> None:
    server.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'postgres' "
        "AND application_name = 'medley'"
    )


def test_the_server_of_these_tests_is_as_durable_as_we_demand(index: PostgresIndex) -> None:
    assert setting(index, "fsync") == "on"
    assert setting(index, "synchronous_commit") == "on"


def test_a_writer_that_hangs_is_cut_off_and_lets_the_next_one_in(
    postgres_server: PostgresServer,
    schema: str,
    index: PostgresIndex,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = PostgresIndex(postgres_server.url, schema)
    monkeypatch.setattr(postgres, "_LONGEST_PAUSE_S", 0.5)

    def hang() -> None:
        with index.write() as writer:
            writer.add(BASE)
            monkeypatch.undo()  # the next one may take its time
            add_base(other, "next")
            writer.head()

    with pytest.raises(Unavailable, match="idle"):
        hang()
    assert base_names(index) == ["next"]
    other.close()


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit"])
def test_a_server_that_could_lose_what_it_acknowledged_takes_no_writes(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex, name: str
) -> None:
    def reload(statement: str, value: str) -> None:
        postgres_server.execute(statement)
        postgres_server.execute("SELECT pg_reload_conf()")
        while setting(index, name) != value:
            time.sleep(0.01)

    reload(f"ALTER SYSTEM SET {name} = off", "off")
    try:
        with pytest.raises(Unavailable, match=f"has {name}=off"):
            add_base(index)
        with pytest.raises(Unavailable, match=f"has {name}=off"):
            PostgresIndex(postgres_server.url, schema)
        with pytest.raises(Unavailable, match=f"has {name}=off"):
            create_postgres_index(postgres_server.url, f"{schema}_more")
    finally:
        reload(f"ALTER SYSTEM RESET {name}", "on")
    add_base(index)


def test_connections_that_the_server_has_closed_are_replaced_unnoticed(
    postgres_server: PostgresServer, index: PostgresIndex
) -> None:
    add_base(index)

    end_sessions(postgres_server)

    assert base_names(index) == ["tiny"]
    end_sessions(postgres_server)
    add_base(index, "another")


def test_a_write_whose_connection_is_lost_leaves_nothing(
    postgres_server: PostgresServer, index: PostgresIndex
) -> None:
    def write(then: Callable[[IndexWriter], object]) -> None:
        with index.write() as writer:
            writer.add(BASE)
            end_sessions(postgres_server)
            then(writer)

    with pytest.raises(Unavailable, match="terminating connection"):
        write(then=lambda writer: writer.head())
    with pytest.raises(Unavailable):  # at the commit
        write(then=lambda _: None)
    assert base_names(index) == []


def test_what_was_acknowledged_survives_a_crash_of_the_server(
    postgres_server: PostgresServer, index: PostgresIndex
) -> None:
    add_base(index)

    def crash() -> None:
        with index.write() as writer:
            writer.add(replace(BASE, name="not acknowledged"))
            postgres_server.crash()

    with pytest.raises(Unavailable):
        crash()
    assert base_names(index) == ["tiny"]


def test_a_damaged_table_is_told_from_a_server_that_is_down(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex
) -> None:
    add_base(index)
    with index.read() as reader:
        wanted = f"SELECT pg_relation_filepath('{schema}.base')"
        path = postgres_server.data / str(reader.connection.exec_driver_sql(wanted).scalar_one())
    postgres_server.execute("CHECKPOINT")
    with path.open("r+b") as file:
        file.seek(8000)
        file.write(b"damage")
    postgres_server.crash()

    with pytest.raises(IndexDamaged, match="invalid page"):
        base_names(index)


def test_a_schema_that_was_dropped_is_no_registry_any_more(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex
) -> None:
    postgres_server.execute(f"DROP SCHEMA {schema} CASCADE")

    with pytest.raises(NotARegistry, match="is gone"):
        base_names(index)


def opening_error(url: str, schema: str = "medley") -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        create_postgres_index(url, schema)
    message = str(caught.value)
    assert "\n" not in message
    return caught.value


def test_a_server_that_is_not_there_is_unavailable(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    for url in (
        f"postgresql://ada@/registry?host={tmp_path}",
        "postgresql://ada@127.0.0.1:1/registry",
        postgres_server.url.replace("/postgres?", "/no_such_database?"),
        postgres_server.url_for("no_such_user"),
    ):
        assert isinstance(opening_error(url), Unavailable)


def test_a_password_is_in_no_error_and_no_repr(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    word = "opensesame"
    for url in (
        postgres_server.url_for(f"guarded:{word}!"),
        f"postgresql://guarded:{word}@/registry?host={tmp_path}",
        f"postgresql://guarded:{word}@127.0.0.1:1/registry",
        f"postgresql://guarded:{word}@host:port/registry",
        f"postgresql://guarded:{word}@/registry?no_such_option=1",
        f"postgresql://guarded@/registry?host={tmp_path}&password={word}",
    ):
        error = opening_error(url)
        assert word not in "".join(traceback.format_exception(error))

    index = postgres_index_of(postgres_server.url_for(f"guarded:{word}"), "guarded_schema")
    assert word not in repr(index)
    assert word not in repr(vars(index))
    index.close()


def postgres_index_of(url: str, schema: str) -> PostgresIndex:
    create_postgres_index(url, schema)
    return PostgresIndex(url, schema)


@pytest.mark.parametrize("url", ["postgresql://host:port/x", "postgresql://", "postgresql"])
def test_an_address_that_is_none_is_refused_with_an_example(url: str) -> None:
    error = opening_error(url)

    assert isinstance(error, UnsupportedLocation | Unavailable)


def test_a_role_needs_no_more_than_its_own_schema(
    postgres_server: PostgresServer, schema: str, index: PostgresIndex
) -> None:
    guarded = postgres_server.url_for("guarded:opensesame")
    with pytest.raises(Unavailable, match="permission denied"):
        PostgresIndex(guarded, schema)

    postgres_server.execute(f"CREATE SCHEMA {schema}_own AUTHORIZATION guarded")
    postgres_server.execute("REVOKE CREATE ON DATABASE postgres FROM guarded")
    try:
        own = postgres_index_of(guarded, f"{schema}_own")
        add_base(own)
        own.close()
        assert isinstance(opening_error(guarded, f"{schema}_more"), Unavailable)
    finally:
        postgres_server.execute("GRANT CREATE ON DATABASE postgres TO guarded")


def test_a_database_that_cannot_hold_every_character_is_refused(
    postgres_server: PostgresServer,
) -> None:
    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    error = opening_error(postgres_server.url.replace("/postgres?", "/latin?"))

    assert "encoding is LATIN1, not UTF8" in str(error)
