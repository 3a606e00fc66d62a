"""Copying a whole registry from one pair of stores to another, whatever they are.

It goes through the ports, so that a backup of PostgreSQL and S3 is a folder that opens by itself,
and restoring one of SQLite to PostgreSQL is how a registry moves there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from medley_registry.adapters import Version, VersionState
from medley_registry.base_folder import Progress
from medley_registry.blobs import BlobStore
from medley_registry.digest import Digest
from medley_registry.errors import BlobMissing, Conflict, DigestMismatch
from medley_registry.findings import Finding
from medley_registry.index import Index, IndexReader, IndexWriter
from medley_registry.keys import TrustedKey
from medley_registry.kinds import KINDS

# What others name comes first; the remaining kinds are in such an order already.
_KINDS: tuple[type[Any], ...] = (TrustedKey, *(kind for kind in KINDS if kind is not TrustedKey))
_EVENTS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied; ``findings`` is what was found wrong with the copy afterwards."""

    versions: int
    events: int
    blobs: int
    size_bytes: int
    findings: tuple[Finding, ...] = ()


def copy_facts(reader: IndexReader, writer: IndexWriter) -> list[Version]:
    """Copy every record and every event of one state; gives the versions."""
    for kind in _KINDS:
        if records := reader.all(kind):
            writer.add(*records)
    copied, head = 0, reader.head()
    while copied < head:
        events = reader.events(after=copied, limit=_EVENTS_AT_ONCE)
        writer.append(*events)
        copied = events[-1].seq
    return reader.all(Version)


def copy_blobs(
    versions: Iterable[Version],
    *,
    source: BlobStore,
    target: BlobStore,
    index: Index,
    progress: Progress | None,
) -> tuple[int, int]:
    """Copy the blobs of versions that need theirs, and those of deleted ones that are there still.

    Args:
        versions: As they were in one state of the source.
        source: Every blob from here is verified.
        target: Has them durably then.
        index: The source's, as it is now.
        progress: Called with the bytes copied and the bytes there are.

    Returns:
        How many blobs were copied, and how many bytes.

    Raises:
        BlobMissing, DigestMismatch: the source is damaged.
        Conflict: a version was deleted and its bytes collected since its row was copied.
    """
    wanted = _wanted(versions)
    total_bytes = sum(size for size, _ in wanted.values())
    blobs, done_bytes = 0, 0
    for digest, (size_bytes, holders) in wanted.items():
        try:
            _copy(digest, source=source, target=target)
            blobs += 1
            done_bytes += size_bytes
        except BlobMissing:
            _check_not_needed(digest, holders, index=index)
            total_bytes -= size_bytes
        if progress is not None:
            progress(done_bytes, total_bytes)
    return blobs, done_bytes


def _wanted(versions: Iterable[Version]) -> dict[Digest, tuple[int, list[Version]]]:
    wanted: dict[Digest, tuple[int, list[Version]]] = {}
    for version in versions:
        for entry in version.manifest.files:
            wanted.setdefault(entry.sha256, (entry.size, []))[1].append(version)
    return wanted


def _copy(digest: Digest, *, source: BlobStore, target: BlobStore) -> None:
    with source.open(digest) as stream:
        found = target.put(stream).digest
    if found != digest:
        raise DigestMismatch(f"blob {digest} is {found} in the store")


def _check_not_needed(digest: Digest, holders: Sequence[Version], *, index: Index) -> None:
    needing = [version for version in holders if version.state is not VersionState.DELETED]
    if not needing:
        return
    with index.read() as reader:
        now = [reader.one(Version, adapter=v.adapter, number=v.number) for v in needing]
    names = ", ".join(version.reference for version in needing)
    if all(version and version.state is VersionState.DELETED for version in now):
        raise Conflict(f"{names} was deleted and collected while it was copied; begin again")
    raise BlobMissing(f"blob {digest} of {names} is not in the store")
