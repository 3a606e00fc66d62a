"""Pages set by hand: rows of cells at columns, in points of a letter page."""

import math
from collections.abc import Sequence

from medley.pages import Box, Page, PageStatus, Source, Word

WIDTH, HEIGHT = 612.0, 792.0
LETTER, SIZE = 5.0, 10.0


class Sheet:
    """Words are put down by the baseline; a letter is 5 points wide and 10 high."""

    def __init__(self, *, space: float = 0.6) -> None:
        """Words stand `space` letters apart."""
        self._space = space
        self._words: list[Word] = []
        self._y = 60.0

    def skip(self, points: float) -> "Sheet":
        self._y += points
        return self

    def row(
        self, *cells: str, at: Sequence[float] = (60, 200, 300, 400, 500), size: float = SIZE
    ) -> "Sheet":
        """One line; an empty cell leaves its column empty."""
        for left, text in zip(at, cells, strict=False):
            x = left
            for word in text.split():
                right = x + LETTER * size / SIZE * len(word)
                self._words.append(_word(word, x, self._y - size, right, self._y))
                x = right + LETTER * self._space
        self._y += 1.35 * SIZE
        return self

    def page(self, *, askew: float = 0.0, number: int = 1) -> Page:
        """The page, turned by some degrees."""
        return Page(
            number=number,
            status=PageStatus.READ,
            source=Source.OCR,
            width=1224,
            height=1584,
            words=tuple(_turned(word, math.radians(askew)) for word in self._words),
        )


def _word(text: str, x0: float, y0: float, x1: float, y1: float) -> Word:
    return Word(text, Box(x0 / WIDTH, y0 / HEIGHT, x1 / WIDTH, y1 / HEIGHT))


def _turned(word: Word, angle: float) -> Word:
    box = word.box
    x, y = (box.x0 + box.x1) / 2 * WIDTH, (box.y0 + box.y1) / 2 * HEIGHT
    half_w, half_h = (box.x1 - box.x0) / 2 * WIDTH, (box.y1 - box.y0) / 2 * HEIGHT
    dx, dy = x - WIDTH / 2, y - HEIGHT / 2
    x = WIDTH / 2 + dx * math.cos(angle) - dy * math.sin(angle)
    y = HEIGHT / 2 + dx * math.sin(angle) + dy * math.cos(angle)
    return _word(word.text, x - half_w, y - half_h, x + half_w, y + half_h)
