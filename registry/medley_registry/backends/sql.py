"""The index in SQL, in words that every database understands."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, select, update

from medley_registry.adapters import Adapter, Alias, AliasMove, MoveReason, Version, VersionState
from medley_registry.backends import tables
from medley_registry.bases import BaseModel
from medley_registry.digest import Digest
from medley_registry.events import Event, EventKind
from medley_registry.manifest import Manifest

_ADAPTERS = select(tables.adapter).order_by(tables.adapter.c.name)
_VERSIONS = (
    select(tables.version, tables.adapter.c.name, tables.adapter.c.base, tables.adapter.c.base_id)
    .join(tables.adapter)
    .order_by(tables.version.c.number)
)
_ALIASES = (
    select(tables.alias, tables.adapter.c.name.label("adapter"), tables.version.c.digest)
    .join(tables.adapter, tables.adapter.c.id == tables.alias.c.adapter_id)
    .join(
        tables.version,
        and_(
            tables.version.c.adapter_id == tables.alias.c.adapter_id,
            tables.version.c.number == tables.alias.c.number,
        ),
    )
    .order_by(tables.adapter.c.name, tables.alias.c.name)
)
_MOVES = (
    select(tables.alias_move, tables.adapter.c.name)
    .join(tables.adapter, tables.adapter.c.id == tables.alias_move.c.adapter_id)
    .order_by(tables.alias_move.c.id)
)
_BASES = select(tables.base).order_by(tables.base.c.name)
_EVENTS = select(tables.event).order_by(tables.event.c.seq)
_HEAD = select(func.coalesce(func.max(tables.event.c.seq), 0))


class SqlReader:
    """An `IndexReader` on one open transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def base(self, name: str) -> BaseModel | None:
        row = self._row(_BASES.where(tables.base.c.name == name))
        return None if row is None else _base(row)

    def bases(self) -> list[BaseModel]:
        return [_base(row) for row in self._rows(_BASES)]

    def adapter(self, name: str) -> Adapter | None:
        row = self._row(_ADAPTERS.where(tables.adapter.c.name == name))
        return None if row is None else _adapter(row)

    def adapters(self) -> list[Adapter]:
        return [_adapter(row) for row in self._rows(_ADAPTERS)]

    def version(self, adapter: str, number: int) -> Version | None:
        wanted = _VERSIONS.where(
            tables.adapter.c.name == adapter, tables.version.c.number == number
        )
        row = self._row(wanted)
        return None if row is None else _version(row)

    def versions(self, adapter: str) -> list[Version]:
        return [
            _version(row) for row in self._rows(_VERSIONS.where(tables.adapter.c.name == adapter))
        ]

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]:
        # A range rather than LIKE, so that the index on the digest serves; "g" follows every hex.
        wanted = _VERSIONS.where(
            tables.adapter.c.name == adapter,
            tables.version.c.digest >= hex_prefix,
            tables.version.c.digest < f"{hex_prefix}g",
        )
        return [_version(row) for row in self._rows(wanted)]

    def last_number(self, adapter: str) -> int:
        last = (
            select(func.coalesce(func.max(tables.version.c.number), 0))
            .join(tables.adapter)
            .where(tables.adapter.c.name == adapter)
        )
        return self._number(last)

    def alias(self, adapter: str, name: str) -> Alias | None:
        row = self._row(
            _ALIASES.where(tables.adapter.c.name == adapter, tables.alias.c.name == name)
        )
        return None if row is None else _alias(row)

    def aliases(self, adapter: str | None) -> list[Alias]:
        wanted = _ALIASES if adapter is None else _ALIASES.where(tables.adapter.c.name == adapter)
        return [_alias(row) for row in self._rows(wanted)]

    def moves(self, adapter: str, alias: str | None) -> list[AliasMove]:
        wanted = _MOVES.where(tables.adapter.c.name == adapter)
        if alias is not None:
            wanted = wanted.where(tables.alias_move.c.alias == alias)
        return [_move(row) for row in self._rows(wanted)]

    def head(self) -> int:
        return self._number(_HEAD)

    def events(self, *, after: int, limit: int) -> list[Event]:
        wanted = _EVENTS.where(tables.event.c.seq > after).limit(limit)
        return [_event(row) for row in self._rows(wanted)]

    def _number(self, statement: Select[int]) -> int:
        return self._connection.execute(statement).scalar_one()

    def _row(self, statement: Select[Any]) -> Row[Any] | None:
        return self._connection.execute(statement).one_or_none()

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        return self._connection.execute(statement).all()


class SqlWriter(SqlReader):
    """An `IndexWriter` on one open transaction that holds the write lock."""

    def add_base(self, base: BaseModel) -> None:
        values = {
            **asdict(base),
            "base_id": base.base_id.hex,
            "path": str(base.path),
            "module_shapes": {name: [*shape] for name, shape in base.module_shapes.items()},
            "weights_digest": base.weights_digest.hex,
            "config_digest": base.config_digest.hex,
            "tokenizer_digest": base.tokenizer_digest.hex,
            "chat_template_digest": base.chat_template_digest and base.chat_template_digest.hex,
        }
        self._connection.execute(insert(tables.base).values(values))

    def move_base(self, name: str, path: Path) -> None:
        moved = update(tables.base).where(tables.base.c.name == name).values(path=str(path))
        self._connection.execute(moved)

    def add_adapter(self, adapter: Adapter) -> None:
        values = {**asdict(adapter), "base_id": adapter.base_id.hex}
        self._connection.execute(insert(tables.adapter).values(values))

    def add_version(self, version: Version) -> None:
        values = {
            "adapter_id": self._adapter_id(version.adapter),
            "number": version.number,
            "digest": version.digest.hex,
            "manifest": version.manifest.to_json().decode(),
            "rank": version.rank,
            "alpha": version.alpha,
            "target_modules": [*version.target_modules],
            "round": version.round,
            "state": version.state.value,
            "note": version.note,
            "published_by": version.published_by,
            "created_at": version.created_at,
        }
        self._connection.execute(insert(tables.version).values(values))

    def move_alias(self, alias: Alias, move: AliasMove) -> None:
        adapter_id = self._adapter_id(alias.adapter)
        pointer = {
            "number": alias.number,
            "generation": alias.generation,
            "updated_at": alias.updated_at,
        }
        row = {"adapter_id": adapter_id, "name": alias.name}
        if alias.generation == 1:
            self._connection.execute(insert(tables.alias).values(row | pointer))
        else:
            self._connection.execute(update(tables.alias).filter_by(**row).values(pointer))
        kept = {**asdict(move), "adapter_id": adapter_id, "reason": move.reason.value}
        del kept["adapter"]
        self._connection.execute(insert(tables.alias_move).values(kept))

    def append(self, event: Event) -> None:
        values = {**asdict(event), "kind": event.kind.value}
        self._connection.execute(insert(tables.event).values(values))

    def _adapter_id(self, name: str) -> int:
        wanted = select(tables.adapter.c.id).where(tables.adapter.c.name == name)
        return self._number(wanted)


def _base(row: Row[Any]) -> BaseModel:
    template = row.chat_template_digest
    return BaseModel(
        name=row.name,
        path=Path(row.path),
        architecture=row.architecture,
        module_shapes={name: tuple(shape) for name, shape in row.module_shapes.items()},
        weights_digest=Digest(row.weights_digest),
        config_digest=Digest(row.config_digest),
        tokenizer_digest=Digest(row.tokenizer_digest),
        chat_template_digest=None if template is None else Digest(template),
        created_at=row.created_at,
    )


def _adapter(row: Row[Any]) -> Adapter:
    return Adapter(row.name, row.base, Digest(row.base_id), row.created_at)


def _version(row: Row[Any]) -> Version:
    manifest = Manifest.from_json(row.manifest.encode())
    return Version(
        adapter=row.name,
        number=row.number,
        digest=Digest(row.digest),
        base=row.base,
        base_id=Digest(row.base_id),
        rank=row.rank,
        alpha=row.alpha,
        target_modules=tuple(row.target_modules),
        round=row.round,
        state=VersionState(row.state),
        note=row.note,
        published_by=row.published_by,
        created_at=row.created_at,
        manifest=manifest,
    )


def _alias(row: Row[Any]) -> Alias:
    return Alias(
        row.adapter, row.name, row.number, Digest(row.digest), row.generation, row.updated_at
    )


def _move(row: Row[Any]) -> AliasMove:
    return AliasMove(
        adapter=row.name,
        alias=row.alias,
        generation=row.generation,
        from_number=row.from_number,
        to_number=row.to_number,
        actor=row.actor,
        reason=MoveReason(row.reason),
        at=row.at,
    )


def _event(row: Row[Any]) -> Event:
    return Event(
        seq=row.seq,
        at=row.at,
        kind=EventKind(row.kind),
        subject=row.subject,
        actor=row.actor,
        payload=row.payload,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
