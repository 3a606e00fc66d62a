"""The port for facts: base models, adapters, versions, aliases and the event log.

An index stores and finds; the rules (numbering, generations, what an event says) are the
registry's. Names that do not exist give None or an empty list, never an error.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from medley_registry.adapters import Adapter, Alias, AliasMove, Version
from medley_registry.bases import BaseModel
from medley_registry.events import Event


class IndexReader(Protocol):
    """One consistent state of the index; lists are in order of name, number or time."""

    def base(self, name: str) -> BaseModel | None: ...

    def bases(self) -> list[BaseModel]: ...

    def adapter(self, name: str) -> Adapter | None: ...

    def adapters(self) -> list[Adapter]: ...

    def version(self, adapter: str, number: int) -> Version | None: ...

    def versions(self, adapter: str) -> list[Version]: ...

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]: ...

    def last_number(self, adapter: str) -> int:
        """The newest version's number, 0 if there is none."""

    def alias(self, adapter: str, name: str) -> Alias | None: ...

    def aliases(self, adapter: str | None) -> list[Alias]:
        """The aliases of one adapter, or of all."""

    def moves(self, adapter: str, alias: str | None) -> list[AliasMove]:
        """The moves of one alias, or of all aliases of the adapter."""

    def head(self) -> int:
        """The newest event's number, 0 if there is none. Followers ask often: keep it cheap."""

    def events(self, *, after: int, limit: int) -> list[Event]: ...


class IndexWriter(IndexReader, Protocol):
    """The only writer there is while it is open; it sees what it has written."""

    def add_base(self, base: BaseModel) -> None: ...

    def move_base(self, name: str, path: Path) -> None: ...

    def add_adapter(self, adapter: Adapter) -> None: ...

    def add_version(self, version: Version) -> None: ...

    def move_alias(self, alias: Alias, move: AliasMove) -> None:
        """Let the alias stand as given, and keep the move that brought it there."""

    def append(self, event: Event) -> None: ...


class Index(Protocol):
    def read(self) -> AbstractContextManager[IndexReader]: ...

    def write(self) -> AbstractContextManager[IndexWriter]:
        """All or nothing: durable when the block ends, undone when it raises.

        Raises:
            Busy: other writers held the index for too long.
        """

    def close(self) -> None: ...
