"""The port for bytes: content in, digest out."""

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True)
class Blob:
    digest: Digest
    size_bytes: int


class BlobStore(Protocol):
    """Bytes by digest. What was put stays, and never changes under its digest."""

    def put(self, source: BinaryIO) -> Blob:
        """Store a stream to its end; when this returns, the bytes survive a power loss.

        Putting the same content again is allowed, and mends a damaged copy.
        """

    def open(self, digest: Digest) -> BinaryIO:
        """Open stored bytes for reading; they are not verified here.

        Raises:
            BlobMissing: nothing is stored under this digest.
        """

    def has(self, digest: Digest) -> bool: ...
