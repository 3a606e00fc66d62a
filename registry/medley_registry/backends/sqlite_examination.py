"""What SQLite itself can say of its file, and whether the schema is still the one that was made."""

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, create_engine, literal_column
from sqlalchemy.exc import DatabaseError

from medley_registry.backends import tables
from medley_registry.backends.scan import scan
from medley_registry.backends.sql import SqlReader
from medley_registry.backends.sqlite_guards import guard_final_rows
from medley_registry.findings import Code, Finding
from medley_registry.inert import inert
from medley_registry.kinds import R

_Objects = dict[tuple[str, str], str]

# An error is what SQLite calls a schema that makes no sense any more.
_DAMAGED = {0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class SqliteReader(SqlReader):
    """A reader that gets past pages and texts which SQLite or its driver stop at."""

    def scan(self, kind: type[R], /) -> Iterator[R | Finding]:
        try:
            yield from scan(self.connection, kind, raw=_as_bytes)
        except DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            yield Finding(Code.INDEX_DAMAGED, f"table of {kind.__name__}", inert(str(error.orig)))


def examine(connection: Connection) -> Iterator[Finding]:
    """Check the file's structure, its references, and its schema."""
    for part in (_check_schema, _check_structure, _check_references):
        try:
            yield from part(connection)
        except DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            yield Finding(Code.INDEX_DAMAGED, "index", inert(str(error.orig)))


def _check_schema(connection: Connection) -> Iterator[Finding]:
    yield from _changes(_objects(connection))


def _check_structure(connection: Connection) -> Iterator[Finding]:
    for (told,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if told != "ok":
            yield Finding(Code.INDEX_DAMAGED, "integrity_check", inert(" ".join(told.split())))


def _check_references(connection: Connection) -> Iterator[Finding]:
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        because = f"names a {parent} that is not there"
        yield Finding(Code.INDEX_REFERENCE, f"{table} row {row}", because)


def _code(error: DatabaseError) -> int:
    """SQLite's primary result code; 0 for what the driver itself stumbled over."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF


def _as_bytes(column: Column[Any]) -> ColumnElement[Any]:
    return literal_column(_text_in(f'"{column.name}"'))


def _text_in(column: str) -> str:
    """Text as bytes, since the driver would refuse the whole row for what is not UTF-8.

    What is stored as anything but text gives 0, though SQLite would make text of it.
    """
    cast = f"CAST({column} AS BLOB)"
    return f"CASE typeof({column}) WHEN 'text' THEN {cast} WHEN 'null' THEN NULL ELSE 0 END"


def _changes(found: _Objects) -> Iterator[Finding]:
    wanted = _wanted_objects()
    for (kind, name), text in wanted.items():
        if (kind, name) not in found:
            yield Finding(Code.INDEX_SCHEMA, f"{kind} {name}", "is gone")
        elif found[kind, name] != text and name != tables.schema_version.name:  # Alembic's own
            yield Finding(Code.INDEX_SCHEMA, f"{kind} {name}", "was changed")
    for kind, name in found.keys() - wanted.keys():
        if kind == "trigger":  # it could undo what others guard
            yield Finding(Code.INDEX_SCHEMA, inert(f"{kind} {name}"), "is none of the registry's")


@cache
def _wanted_objects() -> _Objects:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        tables.metadata.create_all(connection)
        guard_final_rows(connection)
        wanted = _objects(connection)
    engine.dispose()
    return wanted


def _objects(connection: Connection) -> _Objects:
    columns = ", ".join(map(_text_in, ("type", "name", "tbl_name", "sql")))
    rows = [
        [column.decode(errors="replace") if isinstance(column, bytes) else "" for column in row]
        for row in connection.exec_driver_sql(f"SELECT {columns} FROM sqlite_master")  # noqa: S608
    ]
    return {(kind, name): f"{table}: {_normal(text)}" for kind, name, table, text in rows}


def _normal(statement: str) -> str:
    """Without what differs between a schema that was made at once and one that was migrated."""
    return re.sub(r"[ \t\n\"]+", "", statement)
