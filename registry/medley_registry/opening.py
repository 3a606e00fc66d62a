"""The one place that wires a registry together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medley_registry import mounts
from medley_registry.blobs import BlobStore
from medley_registry.durable import disk_errors, make_folder
from medley_registry.errors import NotARegistry, UnsupportedLocation
from medley_registry.index import Index
from medley_registry.location import Location, locate
from medley_registry.registry import Registry


def open_registry(
    location: str | Path | None = None,
    *,
    create: bool = False,
    blobs: str | Path | None = None,
    tenant: str | None = None,
) -> Registry:
    """Open the registry at a location (see `locate`); close it when done.

    Args:
        location: A folder, which holds ``registry.db`` and ``blobs/``, or a PostgreSQL URL.
        create: Make it if it is not there.
        blobs: Where the bytes are, if not in the folder.
        tenant: Which of the registries there; they share nothing.

    Raises:
        NotARegistry: there is none, and `create` is false.
        UnsupportedLocation: nothing can be opened at such an address, or not by this install.
        Unavailable: the folder cannot be written, or a server does not answer.
    """
    place = locate(location, blobs=blobs, tenant=tenant)
    with _extra_packages():
        if create:
            _create(place)
        store = _open_blobs(place)  # first: it holds nothing open, should the index fail
        return Registry(_open_index(place), store)


def _create(place: Location) -> None:
    """Make what is not there; the index last, for where it is found, everything is."""
    root = place.blob_root
    if isinstance(root, Path):
        from medley_registry.backends.folder import create_folder_blobs

        with disk_errors(root):
            create_folder_blobs(root / "blobs")
    else:
        from medley_registry.backends.s3 import create_object_blobs

        create_object_blobs(root)
    if place.is_folder:
        _create_sqlite(place.folder)
    else:
        from medley_registry.backends.postgres import create_postgres_index

        create_postgres_index(str(place.index), place.schema)


def _create_sqlite(folder: Path) -> None:
    from medley_registry.backends.sqlite import create_sqlite_index

    _refuse_network(folder)
    with disk_errors(folder):
        make_folder(folder)
        if not (folder / "registry.db").is_file():
            create_sqlite_index(folder / "registry.db")


def _open_index(place: Location) -> Index:
    if not place.is_folder:
        from medley_registry.backends.postgres import PostgresIndex

        return PostgresIndex(str(place.index), place.schema, missing=_missing(place))
    from medley_registry.backends.sqlite import SqliteIndex

    index = place.folder / "registry.db"
    with disk_errors(place.folder):
        if not index.is_file():
            raise NotARegistry(_missing(place))
    _refuse_network(place.folder)
    return SqliteIndex(index)


def _open_blobs(place: Location) -> BlobStore:
    root = place.blob_root
    if isinstance(root, Path):
        from medley_registry.backends.folder import FolderBlobs

        return FolderBlobs(root / "blobs")
    from medley_registry.backends.s3 import ObjectBlobs

    return ObjectBlobs(root)


def _refuse_network(folder: Path) -> None:
    kind = mounts.file_system_of(folder)
    if kind in mounts.NETWORK:
        raise UnsupportedLocation(
            f"{folder} is on a network file system ({kind}), where SQLite loses data: name a "
            "folder on a local disk, or postgresql://user@host/database"
        )


def _missing(place: Location) -> str:
    return f"no registry at {place}; make one with: {place.init_command}"


@contextmanager
def _extra_packages() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in {"obstore", "psycopg"}:
            raise
        raise UnsupportedLocation(
            f"such an address needs the package {error.name}: pip install 'medley[scale]'"
        ) from error
