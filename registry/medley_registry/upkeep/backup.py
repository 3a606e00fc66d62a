"""Backup and restore: a backup is itself a registry, in a folder."""

from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.durable import disk_errors, folder_aside
from medley_registry.errors import NameTaken
from medley_registry.index import IndexReader
from medley_registry.opening import open_registry
from medley_registry.registry import Registry
from medley_registry.upkeep.copying import Copied, copy_blobs, copy_facts
from medley_registry.upkeep.fsck import fsck


def back_up(registry: Registry, folder: str | Path, *, progress: Progress | None = None) -> Copied:
    """Copy a registry into a new folder, while others write.

    The copy is the registry as it was at one moment after the call began, so all that was
    acknowledged before is in it. The folder appears when it is complete and durable, and
    `open_registry` opens it; wherever the registry keeps its facts, the copy's are in SQLite.

    Args:
        registry: One tenant's; the others are backed up each by itself.
        folder: Not there yet, or empty.
        progress: Called with the bytes copied and the bytes there are.

    Raises:
        NameTaken: there is something in the folder.
        Damaged: the registry lacks what it should have; `fsck` tells all.
        Conflict: a version was deleted, and collected at once, in the meantime.
        Unavailable: the disk is full, or a store cannot be reached.
    """
    target = Path(folder).expanduser().absolute()
    with (
        disk_errors(target),
        folder_aside(target) as incoming,
        open_registry(incoming, create=True, tenant="") as copy,
    ):
        with registry.index.read() as reader, copy.index.write() as writer:
            versions = copy_facts(reader, writer)
            events = reader.head()
        blobs, size_bytes = copy_blobs(
            versions,
            source=registry.blobs,
            target=copy.blobs,
            index=registry.index,
            progress=progress,
        )
    return Copied(len(versions), events, blobs, size_bytes)


def restore(
    folder: str | Path,
    location: str | Path,
    *,
    blobs: str | Path | None = None,
    tenant: str | None = None,
    progress: Progress | None = None,
) -> Copied:
    """Copy a backup to where no registry is, or an empty one, and check the copy.

    Killed in the middle, it leaves an empty registry, and can be begun again.

    Args:
        folder: Made by `back_up`; it stays as it is.
        location: As for `open_registry`, like `blobs` and `tenant`.
        blobs: Where the bytes are to be, if not there.
        tenant: Which registry there.
        progress: Called with the bytes copied and the bytes there are.

    Returns:
        What was copied, with what `fsck` finds in the copy.

    Raises:
        NameTaken: there is something in the registry.
        Damaged: the backup lacks what it should have.
        NotARegistry: there is no backup in the folder.
        Unavailable: a store cannot be reached or is full.
    """
    with (
        open_registry(folder, tenant="") as source,
        open_registry(location, create=True, blobs=blobs, tenant=tenant) as target,
        source.index.read() as reader,
    ):
        with target.index.read() as before:
            _check_empty(before)
        versions = reader.all(Version)
        # Bytes, then facts: until the last moment there is an empty registry and no half of one.
        count, size_bytes = copy_blobs(
            versions,
            source=source.blobs,
            target=target.blobs,
            index=source.index,
            progress=progress,
        )
        with target.index.write() as writer:
            _check_empty(writer)
            copy_facts(reader, writer)
        findings = tuple(fsck(target))
        return Copied(len(versions), reader.head(), count, size_bytes, findings)


def _check_empty(reader: IndexReader) -> None:
    if events := reader.head():
        raise NameTaken(f"the registry to restore to is not empty: it has {events} events")
