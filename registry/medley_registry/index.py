"""The port for facts: records by kind (`medley_registry.kinds`), and the event log.

An index stores and finds; the rules (numbering, generations, what an event says) are the
registry's. What does not exist gives None or an empty list, never an error.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from medley_registry.adapters import Version
from medley_registry.events import Event
from medley_registry.findings import Finding
from medley_registry.kinds import R, Record


class IndexReader(Protocol):
    """One consistent state of the index."""

    def one(self, kind: type[R], /, **key: object) -> R | None:
        """The record with this key, which is given in full."""

    def all(self, kind: type[R], /, **equal: object) -> list[R]:
        """The records whose fields equal these, in the order of their keys."""

    def scan(self, kind: type[R], /) -> Iterator[R | Finding]:
        """Every record of a kind, or every `Event` in order; a finding where one cannot be read."""

    def versions(self, adapter: str, *, before: int | None, limit: int | None) -> list[Version]:
        """The newest `limit` versions numbered below `before`, in order of number."""

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]: ...

    def last_number(self, adapter: str) -> int:
        """The newest version's number, 0 if there is none."""

    def head(self) -> int:
        """The newest event's number, 0 if there is none. Followers ask often: keep it cheap."""

    def events(self, *, after: int, limit: int) -> list[Event]: ...


class IndexWriter(IndexReader, Protocol):
    """The only writer there is while it is open; it sees what it has written."""

    def add(self, *records: Record) -> None:
        """Add new records; many of one kind at once are much faster than one by one."""

    def replace(self, record: Record) -> None:
        """Let the record with this key stand as given; only changeable fields may differ."""

    def remove(self, record: Record) -> None:
        """Remove a record of a passing kind."""

    def append(self, *events: Event) -> None: ...


class Index(Protocol):
    def read(self) -> AbstractContextManager[IndexReader]: ...

    def write(self) -> AbstractContextManager[IndexWriter]:
        """All or nothing: durable when the block ends, undone when it raises.

        Raises:
            Busy: other writers held the index for too long.
        """

    def examine(self) -> list[Finding]:
        """What is wrong with the store itself, below the records it holds."""

    def close(self) -> None: ...
