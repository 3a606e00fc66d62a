"""Blobs in a folder, named by their content: ``sha256/ab/abcdef…``."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from medley_registry.blobs import Blob, StoredBlob
from medley_registry.digest import ALGORITHM, Digest, digest_stream
from medley_registry.durable import (
    INCOMING,
    disk_errors,
    incoming_file,
    make_folder,
    seal_file,
    sync_folder,
)
from medley_registry.errors import BlobMissing, Unavailable

RESERVE_BYTES = 64_000_000
"""What a put leaves free, so that the index beside it can still move an alias on a full disk."""

_SHARD = re.compile(r"[0-9a-f]{2}")
_HEX = re.compile(r"[0-9a-f]{64}")


def create_folder_blobs(root: Path) -> None:
    """Make an empty store, unless one is there."""
    make_folder(root / ALGORITHM)


class FolderBlobs:
    """A `BlobStore` in a folder that `create_folder_blobs` has made."""

    def __init__(self, root: Path) -> None:
        self._folder = root / ALGORITHM

    def put(self, source: BinaryIO) -> Blob:
        """See `BlobStore.put`.

        Raises:
            Unavailable: it would leave less than `RESERVE_BYTES` free, or the disk failed.
        """
        with disk_errors(self._folder), incoming_file(self._folder) as (incoming, stream):
            digest, size_bytes = digest_stream(source, each=self._writer(stream))
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
        with disk_errors(self._folder):
            return self._path(digest).is_file()

    def remove(self, digest: Digest) -> None:
        path = self._path(digest)
        with disk_errors(self._folder):
            try:
                path.unlink()
            except FileNotFoundError:
                return
            sync_folder(path.parent)

    def list(self) -> Iterator[StoredBlob]:
        with disk_errors(self._folder):
            for shard in sorted(self._folder.iterdir()):
                if _SHARD.fullmatch(shard.name):
                    yield from _blobs_in(shard)

    def sweep(self, older_than: datetime) -> int:
        swept = 0
        with disk_errors(self._folder):
            for path in self._folder.glob(f"{INCOMING}*"):
                found = _look_at(path)
                # A put that goes on is as young as its newest byte.
                if found and _modified_at(found) < older_than:
                    path.unlink(missing_ok=True)
                    swept += 1
            sync_folder(self._folder)
        return swept

    def _writer(self, stream: BinaryIO) -> Callable[[bytes], object]:
        def write(chunk: bytes) -> None:
            free_bytes = shutil.disk_usage(self._folder).free
            if free_bytes - len(chunk) < RESERVE_BYTES:
                raise Unavailable(
                    f"{self._folder} has {free_bytes / 1e6:,.1f} MB free, of which "
                    f"{RESERVE_BYTES / 1e6:,.0f} MB stay reserved: no room for another blob"
                )
            stream.write(chunk)

        return write

    def _path(self, digest: Digest) -> Path:
        return self._folder / digest.hex[:2] / digest.hex


def _blobs_in(shard: Path) -> Iterator[StoredBlob]:
    if not shard.is_dir():
        return
    for path in sorted(shard.iterdir()):
        found = _look_at(path)
        is_named_so = _HEX.fullmatch(path.name) and path.name.startswith(shard.name)
        if found and is_named_so and stat.S_ISREG(found.st_mode):
            yield StoredBlob(Digest(path.name), found.st_size, _modified_at(found))


def _look_at(path: Path) -> os.stat_result | None:
    """What is there; None if it was removed since it was listed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _modified_at(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, UTC)
