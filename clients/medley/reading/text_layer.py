"""The text layer of a PDF page: words with boxes, without what nobody can see."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from medley.pages import Box, Word
from medley.reading.glyphs import Glyph, glyphs
from medley.reading.plausibility import distrust
from medley.reading.source import TextLayer
from medley.reading.turning import turned_box

_MIN_HEIGHT = 3.0
"""In points; what is smaller is not meant to be read."""
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl"}
_IGNORED = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))  # they have no width


def text_layer(page: Any, number: int, *, most: int) -> TextLayer:
    """What a page's text layer says, and whether that is to be believed.

    Raises:
        TooMuchText: It has more than `most` characters.
    """
    from medley.reading.visibility import Look

    # What lies outside the page's crop is no part of it, and nobody hid it.
    groups = [group for group in _words(glyphs(page, number, most=most)) if _is_on_page(group)]
    if not groups:
        return TextLayer((), 0, None)
    look = Look(page)
    said = [_word(group) for group in groups]
    seen = [
        (word, group)
        for word, group in zip(said, groups, strict=True)
        if _is_legible(group) and look.has_ink(word.box)
    ]
    words = [word for word, _ in seen if word.text]
    reason = distrust(said, words) or look.distrust([word.box for word in words])
    turn = _turn(group for _, group in seen)
    return TextLayer(
        tuple(Word(word.text, turned_box(_within(word.box), turn)) for word in words), turn, reason
    )


def _words(page_glyphs: Iterable[Glyph | None]) -> Iterator[list[Glyph]]:
    word: list[Glyph] = []
    for glyph in page_glyphs:
        if word and (glyph is None or _parts(word[-1], glyph)):
            yield word
            word = []
        if glyph is not None:
            word.append(glyph)
    if word:
        yield word


def _parts(before: Glyph, glyph: Glyph) -> bool:
    """Whether two characters that follow each other in the file do not so on the page."""
    if before.turn != glyph.turn:
        return True
    a, b = turned_box(before.box, before.turn), turned_box(glyph.box, glyph.turn)
    height = min(a.y1 - a.y0, b.y1 - b.y0)
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    return overlap < 0.3 * height or abs(b.x0 - a.x1) > max(a.y1 - a.y0, b.y1 - b.y0)


def _word(group: list[Glyph]) -> Word:
    text = "".join(glyph.text for glyph in group).translate(_LIGATURES | _IGNORED)
    return Word(text, Box.around(glyph.box for glyph in group))


def _is_on_page(group: list[Glyph]) -> bool:
    x0, y0, x1, y1 = Box.around(glyph.box for glyph in group)
    return 0 <= (x0 + x1) / 2 <= 1 and 0 <= (y0 + y1) / 2 <= 1


def _is_legible(group: list[Glyph]) -> bool:
    is_drawn = all(glyph.is_drawn for glyph in group)
    return is_drawn and max(glyph.height for glyph in group) >= _MIN_HEIGHT


def _turn(groups: Iterable[list[Glyph]]) -> int:
    turns = Counter(glyph.turn for group in groups for glyph in group)
    return turns.most_common(1)[0][0] if turns else 0


def _within(box: Box) -> Box:
    return Box(*(min(max(share, 0.0), 1.0) for share in box))
