"""The index in a schema of a PostgreSQL database: everything that is PostgreSQL's own.

Readers see one snapshot (``REPEATABLE READ``, read-only) and wait for nobody. Writers first take
one advisory lock per schema, so that there is one writer at a time as on SQLite: nothing they read
under it can change before they commit, and no transaction fails for being one of two.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    create_engine,
    func,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateSchema

from medley_registry.backends import tables
from medley_registry.backends.postgres_examination import examine
from medley_registry.backends.schema import check_schema, found_revision
from medley_registry.backends.sql import SqlReader, SqlWriter
from medley_registry.errors import (
    Busy,
    IndexDamaged,
    NotARegistry,
    RegistryError,
    Unavailable,
    UnsupportedLocation,
)
from medley_registry.findings import Finding
from medley_registry.inert import inert
from medley_registry.location import without_password

if TYPE_CHECKING:
    import psycopg

PATIENCE_S = 30.0
"""How long a writer waits for other writers."""

_DRIVER = "postgresql+psycopg"
_CONNECT_S = 10
_MOST_CONNECTIONS = 20
# A writer that hangs or lost its network would keep all others out; no rule needs as long as this.
_LONGEST_PAUSE_S = 300.0
_BUSY = {"55P03", "40001", "40P01"}  # lock timeout, serialization, deadlock
_DAMAGED = {"XX001", "XX002"}
_GONE = {"42P01", "3F000"}  # no such table, no such schema
_UNAVAILABLE = {"25006", "25P03", "42501"}  # read-only, paused for too long, no privilege
# Connection, credentials, database, resources, an operator's intervention, system, internal.
_UNAVAILABLE_CLASSES = {"08", "28", "3D", "53", "57", "58", "XX"}


class PostgresIndex:
    """An `Index` in a schema made by `create_postgres_index`; safe for threads and processes.

    A process that forks must open it after the fork.

    Args:
        url: ``postgresql://user@host/database``; a password is better left to libpq's own files.
        schema: The schema of the registry.
        missing: What to say if there is none.

    Raises:
        NotARegistry: the schema is not there, or is not the one this version reads.
        Unavailable: the server cannot be reached, or does not keep what it acknowledges.
        UnsupportedLocation: the URL is none that the driver reads.
    """

    def __init__(self, url: str, schema: str, *, missing: str | None = None) -> None:
        self._schema = schema
        self._where = f"schema {schema} at {without_password(url)}"
        self._engine = _engine(url, schema)
        self._readers = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # Threads queue here, so that waiting writers do not use up the connections.
        self._turn = threading.Lock()
        try:
            with self.read() as reader:
                _check_durability(reader.connection, where=self._where)
                if missing and found_revision(reader.connection, schema=schema) is None:
                    raise NotARegistry(missing)
                check_schema(reader.connection, where=self._where, schema=schema)
        except RegistryError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[SqlReader]:
        with _postgres_errors(self._where), self._readers.begin() as connection:
            yield SqlReader(connection)

    @contextmanager
    def write(self) -> Iterator[SqlWriter]:
        if not self._turn.acquire(timeout=PATIENCE_S):
            raise _busy()
        try:
            with _postgres_errors(self._where), self._engine.begin() as connection:
                _check_durability(connection, where=self._where)
                _take_turn(connection, self._schema)
                yield SqlWriter(connection)
                _refuse_failed(connection)
        finally:
            self._turn.release()

    def examine(self) -> list[Finding]:
        with self.read() as reader:
            return [*examine(reader.connection, self._schema)]

    def close(self) -> None:
        self._engine.dispose()


def create_postgres_index(url: str, schema: str) -> None:
    """Create an empty index in a schema, and the schema, unless they are there.

    All of it in one transaction under the writers' lock: of two processes that create at once, one
    wins and the other finds the winner's.

    Raises:
        NotARegistry: the schema holds tables of something else under our names.
    """
    with schema_transaction(url, schema) as connection:
        if found_revision(connection, schema=schema) is None:
            _create(connection, schema)


@contextmanager
def schema_transaction(url: str, schema: str) -> Iterator[Connection]:
    """One transaction in which nobody else writes to a registry's schema, made or not.

    Raises:
        Unavailable: the server cannot be reached, or does not keep what it acknowledges.
        UnsupportedLocation: the URL is none that the driver reads, or the database not UTF-8.
    """
    where = f"schema {schema} at {without_password(url)}"
    engine = _engine(url, schema)
    try:
        with _postgres_errors(where), engine.begin() as connection:
            _check_durability(connection, where=where)
            _check_encoding(connection, where=where)
            _take_turn(connection, schema)
            yield connection
            _refuse_failed(connection)
    finally:
        engine.dispose()


def guard_final_rows(connection: Connection, schema: str) -> None:
    """Make the database itself refuse to change or delete what is final (`tables.FINAL`)."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    refuse = f"{quote(schema)}.refuse_final_rows()"
    statements = [
        (
            f"CREATE OR REPLACE FUNCTION {refuse} RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '%% rows are final', TG_TABLE_NAME "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
    ]
    for table, changeable in tables.FINAL.items():
        fixed = ", ".join(quote(c.name) for c in table.columns if c.name not in changeable)
        actions = {"update": f"UPDATE OF {fixed}", "truncate": "TRUNCATE"}
        if table not in tables.PASSING:
            actions["delete"] = "DELETE"
        for name, action in actions.items():
            unit = "STATEMENT" if name == "truncate" else "ROW"
            statements.append(
                f"CREATE OR REPLACE TRIGGER {table.name}_no_{name} BEFORE {action} ON "
                f"{quote(schema)}.{quote(table.name)} FOR EACH {unit} EXECUTE FUNCTION {refuse}"
            )
    # One block instead of fifty journeys to the server.
    connection.exec_driver_sql(f"DO $guard$ BEGIN {'; '.join(statements)}; END $guard$")


def _engine(url: str, schema: str) -> Engine:
    try:
        address = make_url(url).set(drivername=_DRIVER)
    except (ArgumentError, ValueError):  # whose text may hold the password
        raise UnsupportedLocation(
            f"{without_password(url)} is not like postgresql://user@host:5432/database"
        ) from None
    waiting = {} if "connect_timeout" in address.query else {"connect_timeout": _CONNECT_S}
    engine = create_engine(
        address,
        connect_args={"application_name": "medley", **waiting},
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        max_overflow=_MOST_CONNECTIONS - 5,
        pool_pre_ping=True,
        pool_size=5,
        pool_timeout=PATIENCE_S,
    )
    return engine.execution_options(schema_translate_map={None: schema})


def _check_durability(connection: Connection, *, where: str) -> None:
    """Refuse a server that would acknowledge what a power cut takes away."""
    wanted = ("fsync", "synchronous_commit")
    found = connection.execute(select(*map(func.current_setting, wanted))).one()
    for name, value in zip(wanted, found, strict=True):
        if value == "off":
            raise Unavailable(f"{where} has {name}=off and could lose what it acknowledged")


def _check_encoding(connection: Connection, *, where: str) -> None:
    encoding = connection.execute(select(func.current_setting("server_encoding"))).scalar_one()
    if encoding != "UTF8":
        raise UnsupportedLocation(f"{where}: the database's encoding is {encoding}, not UTF8")


def _take_turn(connection: Connection, schema: str) -> None:
    """Wait until this transaction is the schema's only writer."""
    connection.execute(
        select(
            _setting("lock_timeout", PATIENCE_S),
            _setting("idle_in_transaction_session_timeout", _LONGEST_PAUSE_S),
        )
    )
    name = hashlib.sha256(f"medley registry {schema}".encode()).digest()
    key = int.from_bytes(name[:8], signed=True)
    connection.execute(select(func.pg_advisory_xact_lock(key)))


def _setting(name: str, seconds: float) -> ColumnElement[str]:
    return func.set_config(name, f"{seconds * 1000:.0f}", True)  # in milliseconds, until it commits


def _refuse_failed(connection: Connection) -> None:
    # PostgreSQL answers COMMIT with ROLLBACK, and no error, where a statement has failed.
    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    if driver.info.transaction_status.name == "INERROR":
        raise RuntimeError("a statement failed, so nothing of this transaction can stay")


def _create(connection: Connection, schema: str) -> None:
    if not inspect(connection).has_schema(schema):
        connection.execute(CreateSchema(schema))
    tables.metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(tables.schema_version).values(version_num=tables.SCHEMA_VERSION))
    guard_final_rows(connection, schema)


def _busy() -> Busy:
    return Busy(f"the index stayed locked for {PATIENCE_S:g} s")


@contextmanager
def _postgres_errors(where: str) -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise Busy(f"all connections to {where} stayed in use for {PATIENCE_S:g} s") from error
    except DBAPIError as error:
        # A broken constraint, or a statement that the driver does not take, is an error of ours.
        is_ours = isinstance(error, ProgrammingError) and error.statement and not _state(error.orig)
        if is_ours or isinstance(error, IntegrityError):
            raise
        translated = _translated(error.orig, where=where)
        if translated is None:
            raise
        raise translated from error


def _state(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _translated(error: BaseException | None, *, where: str) -> RegistryError | None:
    """By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html."""
    state = _state(error)
    told = inert("; ".join(line.strip() for line in str(error).splitlines()))
    if state in _BUSY:
        return _busy() if state == "55P03" else Busy(f"{where} is busy: {told}")
    if state in _DAMAGED:
        return IndexDamaged(f"{where} is damaged: {told}")
    if state in _GONE:
        return NotARegistry(f"{where} is gone: {told}")
    if state == "42P07":  # a table that is there already
        return NotARegistry(f"{where} holds something else: {told}")
    if state is None or state in _UNAVAILABLE or state[:2] in _UNAVAILABLE_CLASSES:
        return Unavailable(f"{where} cannot be used: {told}")
    return None
