"""A file from outside whose bytes pass once, from its beginning, and are hashed on the way."""

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused

_CHUNK_BYTES = 1 << 18  # read, hashed and looked at while it is in a core's cache


class HashedFile:
    """Whoever reads it to its end has read what `digest` names, whatever happened to the file.

    Args:
        stream: Unbuffered, at the file's beginning.
        name: For refusals.
        each: Called with the number of bytes of every piece read.

    Every method that reads raises AdmissionRefused, by rule ``file-changed`` where the file is
    shorter or longer than it was when opened, by ``file-readable`` where the disk fails.
    """

    def __init__(self, stream: BinaryIO, *, name: str, each: Callable[[int], object]) -> None:
        self.size_bytes = os.fstat(stream.fileno()).st_size
        self._stream = stream
        self._name = name
        self._each = each
        self._left = self.size_bytes
        self._seen = hashlib.sha256()

    def read(self, size_bytes: int) -> bytes:
        """The next bytes; fewer only at the file's end."""
        buffer = bytearray(min(size_bytes, self._left))
        self._fill(memoryview(buffer))
        return bytes(buffer)

    def chunks(self) -> Iterator[memoryview]:
        """What is left, in pieces of a multiple of eight bytes; each is valid until the next."""
        buffer = memoryview(bytearray(min(_CHUNK_BYTES, self._left)))
        while self._left:
            piece = buffer[: self._left]
            self._fill(piece)
            yield piece

    def digest(self) -> Digest:
        """The digest of the whole file, all of which has been read."""
        if self._left or self._read_into(memoryview(bytearray(1))):
            raise self._changed()
        return Digest(self._seen.hexdigest())

    def _fill(self, buffer: memoryview) -> None:
        filled = 0
        while filled < len(buffer):
            count = self._read_into(buffer[filled:])
            if not count:
                raise self._changed()
            filled += count
        self._seen.update(buffer)
        self._left -= filled
        self._each(filled)

    def _read_into(self, buffer: memoryview) -> int:
        try:
            return os.readv(self._stream.fileno(), [buffer])
        except OSError as error:
            reason = error.strerror or "cannot be read"
            raise AdmissionRefused("file-readable", self._name, because=reason) from error

    def _changed(self) -> AdmissionRefused:
        return AdmissionRefused("file-changed", self._name, because="it changed while it was read")
