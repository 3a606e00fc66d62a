"""A document on its way to a server: from a path, from bytes, or from an open file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Self, TypeAlias, cast

from medley.errors import InvalidArgument

DocumentSource: TypeAlias = str | PathLike[str] | bytes | BinaryIO
"""A path, the bytes themselves, or a file that is open for reading bytes."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent as one part of a form, in pieces, as often as it has to be sent.

    Attributes:
        name: What the part's file is called.
        opening: Opens its bytes at their start, to be closed by whoever opened them.
    """

    name: str
    opening: Callable[[], BinaryIO]

    @classmethod
    def of(cls, source: DocumentSource) -> Self:
        """What a caller gave. Files' names stay here: they often are people's names.

        An open file is sent whole, wherever it stands, and stays open. One that cannot go back,
        such as a pipe, is read into memory, so that it can be sent again.

        Raises:
            InvalidArgument: it is no file, or one of text.
        """
        if isinstance(source, bytes | bytearray | memoryview):
            return cls("document", lambda: BytesIO(source))
        if isinstance(source, str | PathLike):
            return cls("document", _opening(Path(source)))
        probe = source.read(0) if hasattr(source, "read") else None
        if not isinstance(probe, bytes):
            raise InvalidArgument(
                f"a document is a path, bytes or a file open for bytes, not {source!r:.80}",
                code="invalid_document",
            )
        if not source.seekable():
            return cls.of(source.read())
        return cls("document", lambda: cast("BinaryIO", _StaysOpen(source)))

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Its bytes, at their start.

        Raises:
            OSError: they cannot be read.
        """
        stream = self.opening()
        try:
            yield stream
        finally:
            stream.close()


def _opening(path: Path) -> Callable[[], BinaryIO]:
    """A mistyped path is told now, and not when a connection is there.

    Raises:
        OSError: there is no such file.
    """
    with path.open("rb"):
        return lambda: path.open("rb")


class _StaysOpen:
    """A caller's own file, which is not ours to close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        """Nothing."""
