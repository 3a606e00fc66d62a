"""What a process did to a folder, in order: calls that change it, and the process's own notes."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACKNOWLEDGED, REFUSED, BROKEN = "acknowledged", "refused", "broken"
"""The kinds of notes: a change has returned, an error was raised, an error of no known kind."""

_HEADER = struct.Struct("=12siq3I")


@dataclass(frozen=True, slots=True)
class Call:
    """A watched call, or a note; paths are relative to the watched folder.

    ``other`` is where a rename or link leads. ``offset`` is a write's place in the file, or the
    length that a truncate leaves. A call that failed has an ``error`` and did nothing.
    """

    kind: str
    path: str
    other: str = ""
    offset: int = 0
    data: bytes = b""
    error: int = 0

    @property
    def is_note(self) -> bool:
        return self.kind in (ACKNOWLEDGED, REFUSED, BROKEN)

    @property
    def needs_room(self) -> bool:
        return self.kind not in ("unlink", "chmod", "utime")


Trace = list[Call]


def read_trace(log: Path, *, root: Path) -> Trace:
    return [*_calls(log.read_bytes(), str(root))]


def notes(trace: Trace, kind: str) -> list[str]:
    return [call.data.decode() for call in trace if call.kind == kind]


def _calls(log: bytes, root: str) -> Iterator[Call]:
    at = 0
    while at < len(log):
        kind, error, offset, *lengths = _HEADER.unpack_from(log, at)
        at += _HEADER.size
        parts = []
        for length in lengths:
            parts.append(log[at : at + length])
            at += length
        path, other = (part.decode().removeprefix(root).lstrip("/") for part in parts[:2])
        yield Call(kind.rstrip(b"\0").decode(), path, other, offset, parts[2], error)
