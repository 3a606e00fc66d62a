"""A page image read by OCR: turned upright, its words, and what on it is not legible."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley.pages import Box, Word
from medley.reading.lines import line_box, words_of
from medley.reading.recognition import Line, Spots, read, spots
from medley.reading.turning import turned_image

if TYPE_CHECKING:
    from PIL.Image import Image

_MIN_CONFIDENCE = 0.6
"""Lines read with less are not legible: their text is noise more often than not."""
_SURE = 0.9
_SAMPLE = 6
_TALL = 1.5


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen on a page.

    Attributes:
        rotation: How far the page had to be turned clockwise.
        words: On the upright page.
        unreadable: Lines that are text and were not legible.
    """

    rotation: int
    words: tuple[Word, ...]
    unreadable: tuple[Box, ...]


def see(image: "Image") -> Sight:
    """Read a page image, of any of four orientations."""
    found, rotation = spots(image), 0
    if _is_sideways(found):
        image, rotation = turned_image(image, 90), 90
        found = spots(image)
    lines = read(found.quads, found.crops)
    if _is_upside_down(found, lines):
        image, rotation = turned_image(image, 180), (rotation + 180) % 360
        found = spots(image)
        lines = read(found.quads, found.crops)
    width, height = image.size
    words: list[Word] = []
    unreadable: list[Box] = []
    for line in lines:
        if line.confidence < _MIN_CONFIDENCE:
            unreadable.append(line_box(line, width, height))
        else:
            words.extend(words_of(line, width, height))
    return Sight(rotation, tuple(words), tuple(unreadable))


def _is_sideways(found: Spots) -> bool:
    tall = wide = 0.0
    for (x0, y0), (x1, y1), _, (x3, y3) in found.quads:
        across = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        down = ((x3 - x0) ** 2 + (y3 - y0) ** 2) ** 0.5
        if down > _TALL * across:
            tall += down
        elif across > _TALL * down:
            wide += across
    return tall > wide


def _is_upside_down(found: Spots, lines: list[Line]) -> bool:
    """Whether some of the lines are read with more confidence when turned by half."""
    import numpy

    if not lines or sum(line.confidence for line in lines) > _SURE * len(lines):
        return False
    chosen = sorted(range(len(lines)), key=lambda n: -found.crops[n].shape[1])[:_SAMPLE]
    turned = [numpy.ascontiguousarray(found.crops[n][::-1, ::-1]) for n in chosen]
    other = read([found.quads[n] for n in chosen], turned)
    return sum(line.confidence for line in other) > sum(lines[n].confidence for n in chosen)
