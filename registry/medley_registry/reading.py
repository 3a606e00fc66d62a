"""Looking things up: everything about a registry that changes nothing."""

from datetime import datetime

from medley_registry import lookup, rules
from medley_registry.adapters import Adapter, Version
from medley_registry.aliases import Alias, AliasMove
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.events import Event
from medley_registry.index import Index
from medley_registry.references import Reference

_MOST = 2**62
"""No counter here ever comes so far, and every database holds it."""


class RegistryReader:
    """What exists, and what the names in use mean."""

    def __init__(self, index: Index, blobs: BlobStore) -> None:
        self.index = index
        self.blobs = blobs

    def base(self, name: str) -> BaseModel:
        with self.index.read() as reader:
            return lookup.find_base(reader, name)

    def bases(self) -> list[BaseModel]:
        with self.index.read() as reader:
            return reader.all(BaseModel)

    def resolve(self, reference: Reference | str) -> Version:
        """The one version that a reference means now (see `medley_registry.references`).

        It may be in any state but deleted; whether it may be served, its state says.

        Raises:
            InvalidReference: it is not a reference, or its digest fits several versions.
            NotFound: the adapter, alias or version does not exist.
        """
        wanted = Reference.parse(reference) if isinstance(reference, str) else reference
        with self.index.read() as reader:
            return lookup.resolve(reader, wanted)

    def adapters(self) -> list[Adapter]:
        with self.index.read() as reader:
            return reader.all(Adapter)

    def adapter(self, name: str) -> Adapter:
        with self.index.read() as reader:
            return lookup.find_adapter(reader, name)

    def versions(
        self, name: str, *, before: int | None = None, limit: int | None = None
    ) -> list[Version]:
        """An adapter's versions, oldest first, deleted ones among them.

        With `limit`, only the newest so many of those numbered below `before`: a page.
        """
        with self.index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.versions(
                name,
                before=None if before is None else _within(before),
                limit=None if limit is None else _within(limit),
            )

    def version_count(self, name: str) -> int:
        """How many versions an adapter has had; the newest one's number."""
        with self.index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.last_number(name)

    def aliases(self, name: str | None = None) -> list[Alias]:
        """The aliases of one adapter, or of all."""
        with self.index.read() as reader:
            if name is None:
                return reader.all(Alias)
            lookup.find_adapter(reader, name)
            return reader.all(Alias, adapter=name)

    def history(self, name: str, *, alias: str | None = None) -> list[AliasMove]:
        """The moves of one alias, or of all aliases of the adapter, oldest first."""
        with self.index.read() as reader:
            lookup.find_adapter(reader, name)
            if alias is None:
                return sorted(reader.all(AliasMove, adapter=name), key=lambda move: move.at)
            lookup.find_alias(reader, name, alias)
            return reader.all(AliasMove, adapter=name, alias=alias)

    def target_at(self, name: str, *, alias: str, at: datetime) -> AliasMove | None:
        """The move that put an alias where it stood at a time; None if it did not exist yet.

        Raises:
            AdmissionRefused: by rule ``time``: `at` says no zone.
        """
        rules.check_time("the time asked for", at)
        moves = [move for move in self.history(name, alias=alias) if move.at <= at]
        return moves[-1] if moves else None

    def head(self) -> int:
        """The newest event's number; cheap enough to ask many times a second."""
        with self.index.read() as reader:
            return reader.head()

    def events(self, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """The events that follow number `after`, oldest first, at most `limit` of them."""
        with self.index.read() as reader:
            return reader.events(after=_within(after), limit=_within(limit))


def _within(number: int) -> int:
    return max(0, min(number, _MOST))
