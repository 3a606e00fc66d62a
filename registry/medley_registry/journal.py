"""Changes and their events, written together: no row changes without saying so in the log."""

from datetime import datetime

from medley_registry import timestamps
from medley_registry.adapters import Alias, AliasMove, MoveReason, Version
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.events import Event, EventKind
from medley_registry.index import IndexWriter


def add_base(writer: IndexWriter, base: BaseModel, *, actor: str) -> None:
    writer.add_base(base)
    _record_base(writer, EventKind.BASE_ADDED, base, actor=actor)


def move_base(writer: IndexWriter, base: BaseModel, *, actor: str) -> None:
    """The base's files lie at another path now."""
    writer.move_base(base.name, base.path)
    _record_base(writer, EventKind.BASE_MOVED, base, actor=actor)


def add_version(writer: IndexWriter, version: Version) -> None:
    writer.add_version(version)
    _record(
        writer,
        EventKind.VERSION_PUBLISHED,
        at=version.created_at,
        subject=version.reference,
        actor=version.published_by,
        payload={
            "adapter": version.adapter,
            "number": version.number,
            "digest": str(version.digest),
            "base": version.base,
            "base_id": str(version.base_id),
            "round": version.round,
        },
    )


def move_alias(
    writer: IndexWriter,
    name: str,
    target: Version,
    *,
    current: Alias | None,
    actor: str,
    reason: MoveReason,
) -> Alias:
    """Point the alias `name` of the target's adapter at the target; `current` is how it stands."""
    generation = current.generation + 1 if current else 1
    from_number = current.number if current else None
    at = timestamps.now()
    alias = Alias(target.adapter, name, target.number, target.digest, generation, at)
    move = AliasMove(
        adapter=target.adapter,
        alias=name,
        generation=generation,
        from_number=from_number,
        to_number=target.number,
        actor=actor,
        reason=reason,
        at=at,
    )
    writer.move_alias(alias, move)
    _record(
        writer,
        EventKind.ALIAS_MOVED,
        at=at,
        subject=alias.reference,
        actor=actor,
        payload={
            "adapter": target.adapter,
            "alias": name,
            "generation": generation,
            "from_number": from_number,
            "to_number": target.number,
            "digest": str(target.digest),
            "reason": reason.value,
        },
    )
    return alias


def _record_base(writer: IndexWriter, kind: EventKind, base: BaseModel, *, actor: str) -> None:
    payload: dict[str, Json] = {
        "name": base.name,
        "base_id": str(base.base_id),
        "path": str(base.path),
    }
    _record(writer, kind, at=timestamps.now(), subject=base.name, actor=actor, payload=payload)


def _record(
    writer: IndexWriter,
    kind: EventKind,
    *,
    at: datetime,
    subject: str,
    actor: str,
    payload: dict[str, Json],
) -> None:
    newest = writer.events(after=writer.head() - 1, limit=1)
    event = Event.following(
        newest[0] if newest else None,
        at=at,
        kind=kind,
        subject=subject,
        actor=actor,
        payload=payload,
    )
    writer.append(event)
