"""Breaks spans into lines of a width. A value stays on one line wherever it fits on one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medley_training.documents.blocks import Span
from medley_training.documents.page import Font

_SPACE_OR_WORD = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a line; pieces with the same `value` of at least 0 are parts of one value."""

    text: str
    paths: tuple[str, ...] = ()
    value: int = -1

    @property
    def is_space(self) -> bool:
        return not self.paths and self.text.isspace()


Line = tuple[Piece, ...]


def broken(spans: Sequence[Span], font: Font, width: float, *, first_value: int = 0) -> list[Line]:
    """The lines of some spans; `first_value` numbers the values in them, upwards.

    Breaks only at spaces, so a single word wider than `width` stands out.
    """
    lines: list[Line] = []
    line: list[Piece] = []
    used = 0.0
    for chunk in _chunks(_pieces(spans, first_value), font, width):
        chunk_width = sum(font.width(piece.text) for piece in chunk)
        if line and used + chunk_width > width and not chunk[0].is_space:
            lines.append(_trimmed(line))
            line, used = [], 0.0
        if line or not chunk[0].is_space:
            line.extend(chunk)
            used += chunk_width
    return [*lines, _trimmed(line)] if line else lines


def _pieces(spans: Sequence[Span], first_value: int) -> Iterator[Piece]:
    for number, span in enumerate(spans, first_value):
        if span.paths:
            yield Piece(span.text, span.paths, number)
        else:
            yield from (Piece(part) for part in _SPACE_OR_WORD.findall(span.text))


def _chunks(pieces: Iterator[Piece], font: Font, width: float) -> Iterator[list[Piece]]:
    """What stays together: everything between two spaces, and each space."""
    chunk: list[Piece] = []
    for piece in pieces:
        if piece.is_space:
            yield from _fitting(chunk, font, width)
            yield [piece]
            chunk = []
        else:
            chunk.append(piece)
    yield from _fitting(chunk, font, width)


def _fitting(chunk: list[Piece], font: Font, width: float) -> Iterator[list[Piece]]:
    """The chunk, or its words where it is wider than a line."""
    if not chunk:
        return
    if sum(font.width(piece.text) for piece in chunk) <= width:
        yield chunk
        return
    words: list[Piece] = []
    for piece in chunk:
        first, *rest = piece.text.split(" ")
        words.append(Piece(first, piece.paths, piece.value))
        for word in rest:
            yield words
            yield [Piece(" ")]
            words = [Piece(word, piece.paths, piece.value)]
    yield words


def _trimmed(line: list[Piece]) -> Line:
    while line and line[-1].is_space:
        line.pop()
    return tuple(_rejoined(line))


def _rejoined(line: Sequence[Piece]) -> Iterator[Piece]:
    """The words of one value that came to stand on the same line, as one piece again."""
    held: Piece | None = None
    space = ""
    for piece in line:
        if held is not None and piece.is_space and held.value >= 0:
            space += piece.text
        elif held is not None and piece.value >= 0 and piece.value == held.value:
            held = Piece(held.text + space + piece.text, held.paths, held.value)
            space = ""
        else:
            if held is not None:
                yield held
            if space:
                yield Piece(space)
            held, space = piece, ""
    if held is not None:
        yield held
