"""Changes and their events, written together: no row changes without saying so in the log."""

from collections.abc import Iterable
from datetime import datetime

from medley_registry import timestamps
from medley_registry.adapters import Version
from medley_registry.aliases import Alias, AliasMove, MoveReason
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.events import Event, EventKind
from medley_registry.fingerprint import fingerprint, kind_name
from medley_registry.index import IndexWriter
from medley_registry.kinds import Record


def record(
    writer: IndexWriter,
    kind: EventKind,
    *,
    subject: str,
    actor: str,
    payload: dict[str, Json],
    at: datetime | None = None,
    records: Iterable[Record] = (),
) -> None:
    """Append the event that tells of a change made in the same transaction.

    The event's ``records`` hold the fingerprints of the records added with it, by their kind.
    """
    newest = writer.events(after=writer.head() - 1, limit=1)
    prints: dict[str, Json] = {kind_name(type(added)): fingerprint(added) for added in records}
    event = Event.following(
        newest[0] if newest else None,
        at=at or timestamps.now(),
        kind=kind,
        subject=subject,
        actor=actor,
        payload={**payload, "records": prints} if prints else payload,
    )
    writer.append(event)


def record_base(writer: IndexWriter, kind: EventKind, base: BaseModel, *, actor: str) -> None:
    """Append the event of a base that was added, or lies elsewhere now."""
    payload: dict[str, Json] = {
        "name": base.name,
        "base_id": str(base.base_id),
        "path": str(base.path),
    }
    added = [base] if kind is EventKind.BASE_ADDED else []
    record(writer, kind, subject=base.name, actor=actor, payload=payload, records=added)


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
    if current is None:
        writer.add(alias)
    else:
        writer.replace(alias)
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
    writer.add(move)
    payload: dict[str, Json] = {
        "adapter": target.adapter,
        "alias": name,
        "generation": generation,
        "from_number": from_number,
        "to_number": target.number,
        "digest": str(target.digest),
        "reason": reason.value,
    }
    record(
        writer,
        EventKind.ALIAS_MOVED,
        at=at,
        subject=alias.reference,
        actor=actor,
        payload=payload,
        records=[move],
    )
    return alias
