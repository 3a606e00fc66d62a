"""The index in one SQLite file: everything that is SQLite's own, and nothing else.

Settings, each for a reason: WAL, so that readers never wait for the writer; ``synchronous=FULL``,
so that what was acknowledged survives a power loss; ``BEGIN IMMEDIATE`` for writers, because a
transaction that reads first and locks later fails under contention instead of waiting.
"""

import fcntl
import logging
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert
from sqlalchemy.exc import DatabaseError, OperationalError

from medley_registry.backends import tables
from medley_registry.backends.schema import check_schema
from medley_registry.backends.sql import SqlWriter
from medley_registry.backends.sqlite_examination import SqliteReader, examine
from medley_registry.backends.sqlite_guards import guard_final_rows
from medley_registry.durable import disk_errors, sync_folder
from medley_registry.errors import Busy, IndexDamaged, RegistryError, Unavailable
from medley_registry.findings import Finding

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""How long a writer waits for other writers."""

_TURN_POLL_S = 0.001


class SqliteIndex:
    """An `Index` in a file made by `create_sqlite_index`; safe for threads and processes.

    Raises:
        NotARegistry: the file holds another schema than this version reads.
    """

    def __init__(self, path: Path) -> None:
        # Readers could never take the write lock by mistake: their connections refuse to write.
        self._readers = _engine(path, begin="BEGIN", pragmas=("query_only=ON",))
        self._writers = _engine(path, begin="BEGIN IMMEDIATE")
        # Writers take turns here, because SQLite's own waiting is not fair: its sleeps grow, so
        # that under contention the one who waited longest is the least likely to be next.
        self._turn = threading.Lock()
        self._turn_file = path.with_name(f"{path.name}-turn")
        try:
            with self.read() as reader:
                check_schema(reader.connection, where=str(path))
        except RegistryError:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[SqliteReader]:
        with _sqlite_errors(), self._readers.begin() as connection:
            yield SqliteReader(connection)

    @contextmanager
    def write(self) -> Iterator[SqlWriter]:
        with self._own_turn(), _sqlite_errors(), self._writers.begin() as connection:
            yield SqlWriter(connection)

    def examine(self) -> list[Finding]:
        with self.read() as reader:
            return [*examine(reader.connection)]

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Among threads by a lock, among processes by a locked file; correctness needs neither.

        The file is opened anew each time, because a fork would share its lock.
        """
        deadline = time.monotonic() + PATIENCE_S
        if not self._turn.acquire(timeout=PATIENCE_S):
            raise _busy()
        try:
            with disk_errors(self._turn_file):
                file = self._turn_file.open("a")
            with file:
                while not _try_lock(file):
                    if time.monotonic() > deadline:
                        raise _busy()
                    time.sleep(_TURN_POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 no secret
                try:
                    yield
                finally:
                    # Said aloud: a process forked meanwhile has the file open too.
                    fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._turn.release()


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _busy() -> Busy:
    return Busy(f"the index stayed locked for {PATIENCE_S:g} s")


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
            connection.execute(
                insert(tables.schema_version).values(version_num=tables.SCHEMA_VERSION)
            )
            guard_final_rows(connection)
        _settle(engine, draft)
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            log.info("index already exists at %s", path)
    sync_folder(path.parent)


def _settle(engine: Engine, path: Path) -> None:
    """Move the write-ahead log into the file, and let go of it.

    Closing the last connection would do so too, but would not say if it failed.
    """
    with _sqlite_errors(), closing(engine.raw_connection()) as connection:
        (is_busy, *_) = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    engine.dispose()
    if is_busy:
        raise Unavailable(f"{path} cannot be settled: somebody else has it open")


def _engine(path: Path, *, begin: str, pragmas: tuple[str, ...] = ()) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": PATIENCE_S},
        max_overflow=-1,  # readers wait for nobody, however many they are
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


@contextmanager
def migration_transaction(path: Path) -> Iterator[Connection]:
    """The only writer, with foreign keys unchecked: tables are made anew, one after the other."""
    engine = _engine(path, begin="BEGIN IMMEDIATE", pragmas=("foreign_keys=OFF",))
    try:
        with _sqlite_errors(), engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


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
    except UnicodeDecodeError as error:  # the driver's, on a message that quotes damaged text
        raise IndexDamaged(f"the index holds text that is none: {error}") from error


def _translated(error: BaseException | None) -> RegistryError:
    # The low byte is the primary code, the rest says more: https://sqlite.org/rescode.html
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY:
            return _busy()
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return IndexDamaged(f"the index is damaged: {error}")
        case 0 if "decode" in str(error):  # the driver's own; no code for text that is not UTF-8
            return IndexDamaged(f"the index is damaged: {error}")
        case _:
            return Unavailable(f"the index cannot be used: {error}")
