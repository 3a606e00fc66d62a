"""The index in SQL, in words that every database understands."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from medley_registry.adapters import Version
from medley_registry.backends import tables
from medley_registry.backends.scan import scan
from medley_registry.errors import IndexDamaged
from medley_registry.events import Event, EventKind
from medley_registry.findings import Finding
from medley_registry.kinds import KINDS, R, Record, key_of

_VERSION = tables.TABLES[Version]
_EVENTS = select(tables.event).order_by(tables.event.c.seq)
_HEAD = select(func.coalesce(func.max(tables.event.c.seq), 0))


class SqlReader:
    """An `IndexReader` on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def one(self, kind: type[R], /, **key: object) -> R | None:
        row = self.connection.execute(_where(kind, key)).one_or_none()
        return None if row is None else kind(**row._mapping)

    def all(self, kind: type[R], /, **equal: object) -> list[R]:
        columns = tables.TABLES[kind].columns
        order = [columns[name] for name in KINDS[kind].key]
        return [kind(**row._mapping) for row in self._rows(_where(kind, equal).order_by(*order))]

    def scan(self, kind: type[R], /) -> Iterator[R | Finding]:
        return scan(self.connection, kind)

    def versions(self, adapter: str, *, before: int | None, limit: int | None) -> list[Version]:
        wanted = _where(Version, {"adapter": adapter}).order_by(_VERSION.c.number.desc())
        if before is not None:
            wanted = wanted.where(_VERSION.c.number < before)
        rows = self._rows(wanted if limit is None else wanted.limit(limit))
        return [Version(**row._mapping) for row in reversed(rows)]

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]:
        # A range rather than LIKE, so that the index on the digest serves; "g" follows every hex.
        digest = type_coerce(_VERSION.c.digest, Text)
        wanted = (
            _where(Version, {"adapter": adapter})
            .where(digest >= hex_prefix, digest < f"{hex_prefix}g")
            .order_by(_VERSION.c.number)
        )
        return [Version(**row._mapping) for row in self._rows(wanted)]

    def last_number(self, adapter: str) -> int:
        last = select(func.coalesce(func.max(_VERSION.c.number), 0))
        return self._number(last.where(_VERSION.c.adapter == adapter))

    def head(self) -> int:
        return self._number(_HEAD)

    def events(self, *, after: int, limit: int) -> list[Event]:
        wanted = _EVENTS.where(tables.event.c.seq > after).limit(limit)
        return [_event(row) for row in self._rows(wanted)]

    def _number(self, statement: Select[int]) -> int:
        return self.connection.execute(statement).scalar_one()

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return self.connection.execute(statement).all()


class SqlWriter(SqlReader):
    """An `IndexWriter` on one open transaction that holds the write lock."""

    def add(self, *records: Record) -> None:
        for kind, alike in groupby(records, type):
            table = tables.TABLES[kind]
            self.connection.execute(insert(table), [*map(_values, alike)])

    def replace(self, record: Record) -> None:
        table, kind = tables.TABLES[type(record)], KINDS[type(record)]
        values = {name: getattr(record, name) for name in kind.changeable}
        self.connection.execute(update(table).filter_by(**_key(record)).values(values))

    def remove(self, record: Record) -> None:
        table = tables.TABLES[type(record)]
        self.connection.execute(delete(table).filter_by(**_key(record)))

    def append(self, *events: Event) -> None:
        self.connection.execute(insert(tables.event), [*map(_event_values, events)])


def _where(kind: type[Any], equal: dict[str, object]) -> Select[Any]:
    return select(tables.TABLES[kind]).filter_by(**equal)


def _values(record: Record) -> dict[str, object]:
    columns = tables.TABLES[type(record)].columns
    return {column.name: getattr(record, column.name) for column in columns}


def _key(record: Record) -> dict[str, object]:
    return dict(zip(KINDS[type(record)].key, key_of(record), strict=True))


def _event_values(event: Event) -> dict[str, object]:
    values = {column.name: getattr(event, column.name) for column in tables.event.columns}
    return {**values, "kind": event.kind.value}


def _event(row: Row[Any]) -> Event:
    try:
        return Event(**{**row._mapping, "kind": EventKind(row.kind)})
    except ValueError as error:
        raise IndexDamaged(f"event {row.seq} is of no kind: {row.kind!r}") from error
