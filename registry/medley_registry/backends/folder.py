"""Blobs in a folder, named by their content: ``sha256/ab/abcdef…``."""

from pathlib import Path
from typing import BinaryIO

from medley_registry.blobs import Blob
from medley_registry.digest import ALGORITHM, Digest, digest_stream
from medley_registry.durable import disk_errors, incoming_file, make_folder, seal_file, sync_folder
from medley_registry.errors import BlobMissing


def create_folder_blobs(root: Path) -> None:
    """Make an empty store, unless one is there."""
    make_folder(root / ALGORITHM)


class FolderBlobs:
    """A `BlobStore` in a folder that `create_folder_blobs` has made."""

    def __init__(self, root: Path) -> None:
        self._folder = root / ALGORITHM

    def put(self, source: BinaryIO) -> Blob:
        with disk_errors(self._folder), incoming_file(self._folder) as (incoming, stream):
            digest, size_bytes = digest_stream(source, each=stream.write)
            seal_file(stream)
            target = self._path(digest)
            make_folder(target.parent)
            incoming.replace(target)  # even if it is there: a damaged copy is mended so
            sync_folder(target.parent)
        return Blob(digest, size_bytes)

    def open(self, digest: Digest) -> BinaryIO:
        with disk_errors(self._folder):
            try:
                return self._path(digest).open("rb")
            except FileNotFoundError as error:
                raise BlobMissing(f"blob {digest} is not in the store") from error

    def has(self, digest: Digest) -> bool:
        return self._path(digest).is_file()

    def _path(self, digest: Digest) -> Path:
        return self._folder / digest.hex[:2] / digest.hex
