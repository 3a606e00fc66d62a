"""Collecting garbage: removing the blobs that nothing reaches, while others publish.

Why nothing is lost that somebody needs:

- Blobs are removed inside a write transaction, and there is one writer at a time. In it everything
  is read that could have come to reach a blob since the plan was made: new versions, registered
  uploads, leases (`medley_registry.upkeep.reach`).
- A publisher registers an upload of a blob, stores the blob, and then in one transaction adds the
  version and removes the upload. If his registration came before our transaction, we see the
  upload, or the version in its place, and leave the blob. If it comes after, he stores the blob
  after we removed it, for a put always writes. The same holds for content that was there before.
- Clocks decide nothing of this. An upload protects for as long as it is registered; a collection
  removes those that ran out before it begins, and a publisher whose upload is gone is refused his
  version. Grace and retention are measured with clocks of two machines (the store's, ours): if
  they differ by an hour, blobs stay an hour more or less than was said.
- Killed in the middle, a collection leaves blobs removed that nothing reached, perhaps without the
  event that tells of them.

What stands against a collection that stops in mid-batch until a database server gives its lock to
another: before each blob it asks the server for the log's head, which fails once the lock is lost.
"""

import time
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from medley_registry import journal, rules, timestamps
from medley_registry.base_folder import Progress
from medley_registry.blobs import StoredBlob
from medley_registry.digest import Digest
from medley_registry.events import EventKind
from medley_registry.index import Index
from medley_registry.leases import Lease, Upload
from medley_registry.registry import Registry
from medley_registry.upkeep.reach import Reach

GRACE = timedelta(hours=24)
RETENTION = timedelta(days=30)

BATCH_BLOBS = 100
BATCH_S = 0.25
"""A batch, and so the time for which other writers wait, ends with whichever comes first."""

# Others get their turn between two batches.
_PAUSE_S = 0.01
# A put that goes on leaves no younger file than this, however short the grace.
_YOUNGEST_LEFTOVER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection removed: blobs, and leftovers of puts that were killed.

    Attributes:
        kept: Blobs that something reaches.
        young: Blobs that nothing reaches, younger than the grace.
    """

    blobs: int = 0
    size_bytes: int = 0
    leftovers: int = 0
    kept: int = 0
    young: int = 0


def collect(
    registry: Registry,
    *,
    actor: str,
    grace: timedelta = GRACE,
    retention: timedelta = RETENTION,
    is_dry_run: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Remove the blobs that nothing reaches; each batch writes one event.

    Args:
        registry: Others may use it meanwhile. No other registry may have its blobs in the same
            place, for what only the other reaches is garbage here.
        actor: Who collects.
        grace: How old a blob must be.
        retention: How long the bytes of a deleted version stay.
        is_dry_run: Only count what would be removed.
        progress: Called with the blobs done and the blobs there are to remove.

    Raises:
        IndexDamaged: the facts cannot be relied on, so nothing more was removed.
        Busy: others wrote all the time; what was done until then is done.
    """
    rules.check_text("the actor", actor)
    now = timestamps.now()
    if not is_dry_run:
        _let_run_out(registry.index, now)
    reach, uploaded = _reached(registry.index, deleted_after=now - retention)
    found, garbage = _sorted_out(
        registry.blobs.list(), needed=reach.blobs | uploaded, put_before=now - grace
    )
    if is_dry_run:
        return _with(found, garbage)
    done = 0
    while done < len(garbage):
        batch = garbage[done : done + BATCH_BLOBS]
        looked_at, removed = _remove(registry, batch, reach=reach, actor=actor)
        done += looked_at
        found = replace(_with(found, removed), kept=found.kept + looked_at - len(removed))
        if progress is not None:
            progress(done, len(garbage))
        time.sleep(_PAUSE_S)
    leftovers = registry.blobs.sweep(now - max(grace, _YOUNGEST_LEFTOVER))
    return replace(found, leftovers=leftovers)


def _reached(index: Index, *, deleted_after: datetime) -> tuple[Reach, set[Digest]]:
    with index.read() as reader:
        uploaded = {upload.digest for upload in reader.all(Upload)}
        return Reach(reader, deleted_after=deleted_after), uploaded


def _sorted_out(
    blobs: Iterable[StoredBlob], *, needed: Set[Digest], put_before: datetime
) -> tuple[Collected, list[StoredBlob]]:
    """What is to stay, counted, and what is not."""
    kept, young, garbage = 0, 0, []
    for blob in blobs:
        if blob.digest in needed:
            kept += 1
        elif blob.modified_at > put_before:
            young += 1
        else:
            garbage.append(blob)
    return Collected(kept=kept, young=young), garbage


def _let_run_out(index: Index, now: datetime) -> None:
    with index.write() as writer:
        protections: list[Upload | Lease] = [*writer.all(Upload), *writer.all(Lease)]
        for protection in protections:
            if protection.expires_at <= now:
                writer.remove(protection)


def _remove(
    registry: Registry, batch: Sequence[StoredBlob], *, reach: Reach, actor: str
) -> tuple[int, list[StoredBlob]]:
    """Remove what of a batch is garbage still; tells how many it came to, and which it removed."""
    removed: list[StoredBlob] = []
    looked_at = 0
    with registry.index.write() as writer:
        end = time.monotonic() + BATCH_S
        reach.follow(writer)
        uploaded = {upload.digest for upload in writer.all(Upload)}
        for blob in batch:
            if looked_at and time.monotonic() > end:
                break
            looked_at += 1
            if blob.digest not in reach.blobs and blob.digest not in uploaded:
                writer.head()  # fails where the lock is lost
                registry.blobs.remove(blob.digest)
                removed.append(blob)
        if removed:
            journal.record(
                writer,
                EventKind.BLOBS_COLLECTED,
                subject="blobs",
                actor=actor,
                payload={
                    "count": len(removed),
                    "size_bytes": sum(blob.size_bytes for blob in removed),
                    "digests": [str(blob.digest) for blob in removed],
                },
            )
    return looked_at, removed


def _with(found: Collected, removed: Sequence[StoredBlob]) -> Collected:
    return replace(
        found,
        blobs=found.blobs + len(removed),
        size_bytes=found.size_bytes + sum(blob.size_bytes for blob in removed),
    )
