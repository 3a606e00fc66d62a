"""Identity by content: SHA-256."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from medley_registry.errors import InvalidReference

ALGORITHM = "sha256"
_HEX = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 in lower-case hex; its text is ``sha256:`` and the hex."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise InvalidReference(f"{self.hex!r} is not 64 lower-case hex digits")

    def __str__(self) -> str:
        return f"{ALGORITHM}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read ``sha256:<64 hex>``.

        Raises:
            InvalidReference: the text is anything else.
        """
        algorithm, _, digits = text.partition(":")
        if algorithm != ALGORITHM:
            raise InvalidReference(f"{text!r} does not begin with '{ALGORITHM}:'")
        return cls(digits)

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """The digest of these bytes."""
        return cls(hashlib.sha256(data).hexdigest())


def digest_stream(source: BinaryIO, *, each: Callable[[bytes], object]) -> tuple[Digest, int]:
    """Read a stream to its end; `each` receives every chunk (to write it, to count it).

    Returns:
        The digest, and the number of bytes read.
    """
    seen = hashlib.sha256()
    size_bytes = 0
    while chunk := source.read(_CHUNK_BYTES):
        seen.update(chunk)
        each(chunk)
        size_bytes += len(chunk)
    return Digest(seen.hexdigest()), size_bytes
