"""The port for bytes: content in, digest out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True)
class Blob:
    digest: Digest
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob as the store lists it; ``modified_at`` is when it was last put, by the store's clock.

    A store may know the time to the second only, and then it is rounded down.
    """

    digest: Digest
    size_bytes: int
    modified_at: datetime


class BlobStore(Protocol):
    """Bytes by digest: what was put stays until it is removed, and never changes.

    Every method raises `Unavailable` where the store itself cannot do its work now.
    """

    def put(self, source: BinaryIO) -> Blob:
        """Store a stream from where it stands to its end; it survives a power loss then.

        Nothing is to be seen under the digest before all of it is there. Putting the same content
        again is allowed, mends a damaged copy, and makes the blob as young as a new one. The source
        is read once, in chunks: wrap it to show progress.
        """

    def open(self, digest: Digest) -> BinaryIO:
        """Open stored bytes for reading, with ``seek``; they are not verified here.

        Raises:
            BlobMissing: nothing is stored under this digest.
        """

    def has(self, digest: Digest) -> bool: ...

    def remove(self, digest: Digest) -> None:
        """Forget a blob for good; one that is not there is forgotten already."""

    def list(self) -> Iterator[StoredBlob]:
        """Every blob, in no order, while others put and remove.

        What came or went meanwhile may be listed or not. What is no blob is passed over.
        """

    def sweep(self, older_than: datetime) -> int:
        """Remove what puts that were killed before this moment left behind; tell how many."""
