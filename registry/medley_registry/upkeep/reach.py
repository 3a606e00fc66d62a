"""Which blobs are reached: by versions that are kept, and by all that those came from."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from medley_registry.adapters import Version, VersionState
from medley_registry.digest import Digest
from medley_registry.errors import IndexDamaged, RegistryError
from medley_registry.events import Event, EventKind
from medley_registry.index import IndexReader
from medley_registry.leases import Lease
from medley_registry.lineage import Parent
from medley_registry.references import Reference
from medley_registry.withdrawals import Tombstone

_Key = tuple[str, int]
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class _Node:
    digest: Digest
    blobs: frozenset[Digest]
    parents: tuple[Parent, ...]


class Reach:
    """What is reached at one event of the log; `follow` takes it on to a later one.

    Kept are versions that are not deleted, were deleted after `deleted_after`, or are leased, and
    the ancestors of those. As time goes by and versions are deleted this only shrinks; it grows by
    new versions, each of which has its event, and by leases. So it is enough to read those again.
    """

    def __init__(self, reader: IndexReader, *, deleted_after: datetime) -> None:
        self.blobs: set[Digest] = set()
        self._nodes: dict[_Key, _Node] = {}
        self._by_digest: dict[Digest, list[_Key]] = defaultdict(list)
        self._kept: set[_Key] = set()
        self._seq = reader.head()
        graves = {(stone.adapter, stone.number): stone.at for stone in reader.all(Tombstone)}
        roots = []
        for version in reader.all(Version):
            key = self._add(version)
            is_deleted = version.state is VersionState.DELETED
            # Without a tombstone nobody knows when, so it stays.
            if not is_deleted or key not in graves or graves[key] > deleted_after:
                roots.append(key)
        self._keep(roots)
        self._keep_leased(reader)

    def follow(self, reader: IndexReader) -> None:
        """Take in what came since.

        Raises:
            IndexDamaged: the log is shorter than it was, or tells of a version that is not there.
        """
        head = reader.head()
        if head < self._seq:
            raise IndexDamaged(f"the log ended at event {self._seq} and now ends at {head}")
        while self._seq < head:
            for event in reader.events(after=self._seq, limit=_PAGE):
                if event.kind is EventKind.VERSION_PUBLISHED:
                    self._keep([self._add(_published(reader, event))])
                self._seq = event.seq
        self._keep_leased(reader)

    def _add(self, version: Version) -> _Key:
        key = (version.adapter, version.number)
        blobs = frozenset(entry.sha256 for entry in version.manifest.files)
        self._nodes[key] = _Node(version.digest, blobs, version.lineage.parents)
        self._by_digest[version.digest].append(key)
        return key

    def _keep_leased(self, reader: IndexReader) -> None:
        leased = {lease.digest for lease in reader.all(Lease)}
        self._keep(key for digest in leased for key in self._by_digest.get(digest, []))

    def _keep(self, keys: Iterable[_Key]) -> None:
        waiting = [*keys]
        while waiting:
            key = waiting.pop()
            if key in self._kept:
                continue
            self._kept.add(key)
            node = self._nodes[key]
            self.blobs |= node.blobs
            waiting += [ancestor for parent in node.parents for ancestor in self._named(parent)]

    def _named(self, parent: Parent) -> list[_Key]:
        """By content, and by reference even if the content is said to be other."""
        found = self._by_digest.get(parent.digest, [])
        try:
            reference = Reference.parse(parent.reference)
        except RegistryError:  # it came with an import, from where names are other
            return found
        key = (reference.adapter, reference.number or 0)
        return [*found, key] if key in self._nodes else found


def _published(reader: IndexReader, event: Event) -> Version:
    key = {"adapter": event.payload["adapter"], "number": event.payload["number"]}
    version = reader.one(Version, **key)
    if version is None:
        raise IndexDamaged(f"event {event.seq} tells of a version that is not there")
    return version
