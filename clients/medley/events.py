"""Server-sent events, told apart as their bytes come in."""

from collections.abc import Iterator

from medley.errors import UnexpectedAnswer

MOST_BYTES = 1 << 22
"""Of one event; a stream that never ends one is none of Medley's."""


class EventReader:
    """Is fed bytes, wherever they were cut, and gives the data of each event that is whole."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[str]:
        """The events that this piece completes.

        Raises:
            UnexpectedAnswer: an event is longer than any of Medley's.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise UnexpectedAnswer(f"the server sent an event of more than {MOST_BYTES} bytes")
        for line in lines:
            yield from self._take(line.removesuffix(b"\r"))

    def _take(self, line: bytes) -> Iterator[str]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            data, self._data = self._data, []
            yield b"\n".join(data).decode(errors="replace")
