"""The event log, page by page."""

from typing import Any

from medley_registry import EventKind

from medley_server.schemas.fields import At, Record


class EventRecord(Record):
    seq: int
    at: At
    kind: EventKind
    subject: str
    actor: str
    payload: dict[str, Any]
    previous_hash: str
    hash: str


class EventPage(Record):
    """Oldest first; ``head`` is the newest event's number."""

    events: list[EventRecord]
    head: int
