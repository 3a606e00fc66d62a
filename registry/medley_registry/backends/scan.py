"""Reading every row as it lies in its table, so that one damaged row hides no other."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Double, Integer, Text, select, type_coerce
from sqlalchemy.engine import Row

from medley_registry.backends import tables
from medley_registry.backends.columns import Coded
from medley_registry.errors import RegistryError
from medley_registry.events import Event, EventKind
from medley_registry.findings import Code, Finding
from medley_registry.inert import inert
from medley_registry.kinds import R

_ROWS_AT_ONCE = 1000

Raw = Callable[[Column[Any]], ColumnElement[Any]]
"""How a text column is asked for, so that the driver hands out whatever is in it."""


def as_text(column: Column[Any]) -> ColumnElement[Any]:
    """Text that the database has checked to be text."""
    return type_coerce(column, Text)


def scan(connection: Connection, kind: type[R], *, raw: Raw = as_text) -> Iterator[R | Finding]:
    """Every row of a kind, events in their order: a record, or what keeps it from being one.

    Stricter than other readers: text must be just what would be written for the value it means.
    """
    table = tables.event if kind is Event else tables.TABLES[kind]
    wanted = select(*[_asked(column, raw) for column in table.columns]).select_from(table)
    if kind is Event:
        wanted = wanted.order_by(tables.event.c.seq)
    rows = connection.execute(wanted, execution_options={"yield_per": _ROWS_AT_ONCE})
    for row in rows:
        yield _read(kind, [*table.columns], row)


def _asked(column: Column[Any], raw: Raw) -> ColumnElement[Any]:
    return column if _is_number(column) else raw(column).label(column.name)


def _is_number(column: Column[Any]) -> bool:
    return isinstance(column.type, Integer | Double)


def _read(kind: type[R], columns: list[Column[Any]], row: Row[Any]) -> R | Finding:
    values: dict[str, Any] = {}
    for column, value in zip(columns, row, strict=True):
        try:
            values[column.name] = _value(column, value)
            if kind is Event and column.name == "kind":
                values["kind"] = EventKind(values["kind"])
        # What a reader of text stumbles over depends on the text, which may be anything here.
        except (ValueError, KeyError, TypeError, AttributeError, RegistryError) as error:
            return _unreadable(columns, row, f"{column.name}: {error}")
    return kind(**values)


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        if not column.nullable:
            raise ValueError("there is nothing")
        return None
    if _is_number(column):
        wanted = int if isinstance(column.type, Integer) else (int, float)
        if not isinstance(value, wanted):
            raise ValueError("not a number")
        return value
    text = value.decode() if isinstance(value, bytes) else value
    if not isinstance(text, str):
        raise ValueError("not text")
    if not isinstance(column.type, Coded):
        return text
    meant = column.type.read(text)
    if column.type.write(meant) != text:
        raise ValueError("not in the form that it is written in")
    return meant


def _unreadable(columns: list[Column[Any]], row: Row[Any], because: str) -> Finding:
    key = [
        value.decode(errors="replace") if isinstance(value, bytes) else str(value)
        for column, value in zip(columns, row, strict=True)
        if column.primary_key
    ]
    table = columns[0].table.name
    return Finding(Code.ROW_UNREADABLE, inert(f"{table} {' '.join(key)}"), inert(because))
