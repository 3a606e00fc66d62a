"""Streams inside a PDF that unpack to far too much, found before anything unpacks them."""

import re
import zlib
from collections.abc import Iterator

from medley.reading.errors import FileTooLarge

_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY_BYTES = 512
_PACKED = re.compile(rb"/(?:FlateDecode|Fl)\b")
_MOST_LEVELS = 4
_BEST_RATIO = 1032  # deflate cannot do better
_CHUNK = 1 << 16


def check_streams(content: bytes | memoryview, limit: int) -> None:
    """Unpack, and throw away, what could unpack to more than `limit` bytes.

    Raises:
        FileTooLarge: A stream does.
    """
    for packed, levels in _streams(content):
        if len(packed) * _BEST_RATIO**levels > limit and _unpacks_beyond(packed, levels, limit):
            raise FileTooLarge(
                f"a stream inside the PDF unpacks to more than {limit} bytes",
                limit=limit,
                actual=limit + 1,
            )


def _streams(content: bytes | memoryview) -> Iterator[tuple[memoryview, int]]:
    """The streams, and how many times over each is deflated."""
    view, whole = memoryview(content), content
    ends = re.compile(rb"endstream")
    for found in _STREAM.finditer(whole):
        before = bytes(view[max(found.start() - _DICTIONARY_BYTES, 0) : found.start()])
        dictionary = before[before.rfind(b"obj") + 1 :]
        levels = min(len(_PACKED.findall(dictionary)), _MOST_LEVELS)
        if levels:
            end = ends.search(whole, found.end())
            yield view[found.end() : end.start() if end else len(view)], levels


def _unpacks_beyond(packed: memoryview, levels: int, limit: int) -> bool:
    pieces: Iterator[bytes] = (
        bytes(packed[at : at + _CHUNK]) for at in range(0, len(packed), _CHUNK)
    )
    for _ in range(levels):
        pieces = _unpacked(pieces, limit)
    return sum(map(len, pieces)) > limit


def _unpacked(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """What some pieces unpack to, a piece at a time; ends a little beyond the limit."""
    unpacker, total = zlib.decompressobj(), 0
    for piece in pieces:
        rest = piece
        while rest and not unpacker.eof:
            try:
                out = unpacker.decompress(rest, _CHUNK)
            except zlib.error:  # PDFium will say what is wrong with it, if anything
                return
            rest = unpacker.unconsumed_tail
            total += len(out)
            yield out
            if total > limit:
                return
