"""The one place that wires a registry together."""

from pathlib import Path

from medley_registry.durable import disk_errors
from medley_registry.errors import NotARegistry
from medley_registry.location import registry_folder
from medley_registry.registry import Registry


def open_registry(location: str | Path | None = None, *, create: bool = False) -> Registry:
    """Open the registry at a location (see `registry_folder`); close it when done.

    Args:
        location: A folder; it holds ``registry.db`` and ``blobs/``.
        create: Make it if it is not there.

    Raises:
        NotARegistry: there is none, and `create` is false.
        UnsupportedLocation: the location is not a folder on this machine.
        Unavailable: the folder cannot be written.
    """
    from medley_registry.backends.folder import FolderBlobs, create_folder_blobs
    from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index

    folder = registry_folder(location)
    index = folder / "registry.db"
    with disk_errors(folder):
        if not index.is_file():
            if not create:
                raise NotARegistry(f"no registry at {folder}; make one with: medley registry init")
            create_folder_blobs(folder / "blobs")
            create_sqlite_index(index)  # last: where it is found, everything is there
    return Registry(SqliteIndex(index), FolderBlobs(folder / "blobs"))
