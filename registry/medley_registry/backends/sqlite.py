"""The index in one SQLite file: everything that is SQLite's own, and nothing else.

Settings, each for a reason: WAL, so that readers never wait for the writer; ``synchronous=FULL``,
so that what was acknowledged survives a power loss; ``BEGIN IMMEDIATE`` for writers, because a
transaction that reads first and locks later fails under contention instead of waiting.
"""

import logging
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, Table, create_engine, event, insert, select
from sqlalchemy.exc import DatabaseError, OperationalError

from medley_registry.backends import tables
from medley_registry.backends.sql import SqlReader, SqlWriter
from medley_registry.durable import sync_folder
from medley_registry.errors import Busy, IndexDamaged, NotARegistry, RegistryError, Unavailable

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a writer waits for other writers."""

# Columns that may change after a row is written, in the tables whose rows are otherwise final.
_FINAL: dict[Table, frozenset[str]] = {
    tables.base: frozenset({"path"}),
    tables.adapter: frozenset(),
    tables.version: frozenset({"state"}),
    tables.alias_move: frozenset(),
    tables.event: frozenset(),
}


class SqliteIndex:
    """An `Index` in a file made by `create_sqlite_index`; safe for threads and processes.

    Raises:
        NotARegistry: the file holds another schema than this version reads.
    """

    def __init__(self, path: Path) -> None:
        # Readers could never take the write lock by mistake: their connections refuse to write.
        self._readers = _engine(path, begin="BEGIN", pragmas=("query_only=ON",))
        self._writers = _engine(path, begin="BEGIN IMMEDIATE")
        # Threads queue here, because SQLite's own waiting between connections is not fair.
        self._turn = threading.Lock()
        try:
            self._check_schema(path)
        except RegistryError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[SqlReader]:
        with _sqlite_errors(), self._readers.begin() as connection:
            yield SqlReader(connection)

    @contextmanager
    def write(self) -> Iterator[SqlWriter]:
        if not self._turn.acquire(timeout=PATIENCE_S):
            raise Busy(f"the index stayed locked for {PATIENCE_S:g} s")
        try:
            with _sqlite_errors(), self._writers.begin() as connection:
                yield SqlWriter(connection)
        finally:
            self._turn.release()

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()

    def _check_schema(self, path: Path) -> None:
        with _sqlite_errors(), self._readers.begin() as connection:
            if not self._readers.dialect.has_table(connection, tables.schema_version.name):
                raise NotARegistry(f"{path} is a database, but not a registry's")
            found = connection.execute(select(tables.schema_version.c.number)).scalar_one()
        if found != tables.SCHEMA_VERSION:
            raise NotARegistry(
                f"{path} has schema {found}; this version reads schema {tables.SCHEMA_VERSION}"
            )


def create_sqlite_index(path: Path) -> None:
    """Create an empty index unless one is there.

    It is made aside and linked into place, so the file is complete from its first moment; of two
    processes that create at once, one wins and the other finds the winner's.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".creating-") as folder:
        draft = Path(folder, path.name)
        engine = _engine(draft, begin="BEGIN IMMEDIATE")
        with _sqlite_errors(), engine.begin() as connection:
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.schema_version).values(number=tables.SCHEMA_VERSION))
            for trigger in _final_row_triggers():
                connection.exec_driver_sql(trigger)
        engine.dispose()  # the last connection to close moves the write-ahead log into the file
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            log.info("index already exists at %s", path)
    sync_folder(path.parent)


def _engine(path: Path, *, begin: str, pragmas: tuple[str, ...] = ()) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), connect_args={"timeout": PATIENCE_S}
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transaction; `begin_own` does
        # SQLite answers with the mode it is in, and stays in the old one where WAL fails.
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        if mode != "wal":
            raise Unavailable(f"{path} stays in journal mode {mode!r}; a local disk is needed")
        for pragma in ("synchronous=FULL", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_own(connection: object) -> None:
        connection.exec_driver_sql(begin)  # type: ignore[attr-defined]

    return engine


def _final_row_triggers() -> Iterator[str]:
    for table, changeable in _FINAL.items():
        fixed = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in changeable)
        for action in (f"UPDATE OF {fixed}", "DELETE"):
            yield (
                f"CREATE TRIGGER {table.name}_no_{action.split()[0].lower()} "
                f"BEFORE {action} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, '{table.name} rows are final'); END"
            )


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        # The other kinds, such as a broken constraint, are errors of ours and not the disk's.
        if type(error) not in (DatabaseError, OperationalError):
            raise
        raise _translated(error.orig) from error
    except sqlite3.DatabaseError as error:  # from the set-up of a connection
        raise _translated(error) from error


def _translated(error: BaseException | None) -> RegistryError:
    # The low byte is the primary code, the rest says more: https://sqlite.org/rescode.html
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY:
            return Busy(f"the index stayed locked for {PATIENCE_S:g} s")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return IndexDamaged(f"the index is damaged: {error}")
        case _:
            return Unavailable(f"the index cannot be used: {error}")
