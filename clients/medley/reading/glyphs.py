"""The characters of a PDF page's text layer, each where it is drawn."""

import ctypes
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from medley.pages import Box
from medley.reading.errors import TooMuchText

_UNIT = 1 << 20
"""Device units per side of the page: PDFium tells places in whole ones."""
_INVISIBLE = frozenset({3, 7})  # the render modes that draw nothing
_LINE_END_HYPHEN = "\x02"  # PDFium's own, for a hyphen that it thinks joins two lines


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character.

    Attributes:
        text: Empty where the font does not tell which character it is.
        box: On the page as it is shown; it can reach over its edges.
        turn: By how many degrees the page must be turned clockwise for it to stand upright.
        height: In points.
        is_drawn: False for text that is there and never seen.
    """

    text: str
    box: Box
    turn: int
    height: float
    is_drawn: bool


def glyphs(page: Any, number: int, *, most: int) -> Iterator[Glyph | None]:
    """The characters in the file's order; None where white space parts them.

    Raises:
        TooMuchText: There are more than `most`.
    """
    from pypdfium2 import raw

    textpage = page.get_textpage()
    place, is_drawn = placing(page), _seeing(textpage)
    turned = page.get_rotation()
    rectangle = raw.FS_RECTF()
    try:
        count = raw.FPDFText_CountChars(textpage)
        if count > most:
            raise TooMuchText(
                f"page {number} has {count} characters; at most {most} are read",
                limit=most,
                actual=count,
                page=number,
            )
        for index in range(count):
            text = _text(textpage, index)
            if text.isspace() or (raw.FPDFText_IsGenerated(textpage, index) == 1 and text != "-"):
                yield None
                continue
            if not raw.FPDFText_GetLooseCharBox(textpage, index, ctypes.byref(rectangle)):
                continue
            # Both are clockwise; what is only askew counts as upright.
            quarters = round(math.degrees(raw.FPDFText_GetCharAngle(textpage, index)) / 90)
            upright = quarters % 2 == 0
            yield Glyph(
                text,
                place(rectangle.left, rectangle.bottom, rectangle.right, rectangle.top),
                (-90 * quarters - turned) % 360,
                rectangle.top - rectangle.bottom if upright else rectangle.right - rectangle.left,
                is_drawn(index),
            )
    finally:
        textpage.close()


def _text(textpage: Any, index: int) -> str:
    from pypdfium2 import raw

    code = raw.FPDFText_GetUnicode(textpage, index)
    if raw.FPDFText_HasUnicodeMapError(textpage, index) == 1 or not 0 < code < 0x110000:
        return ""
    text = chr(code)
    return "-" if text == _LINE_END_HYPHEN else text


def placing(page: Any) -> Callable[[float, float, float, float], Box]:
    """How left, bottom, right and top in the page's own space stand on the page as shown."""
    (x0, y0), (x1, y1), (x2, y2) = (_shown(page, *at) for at in ((0, 0), (100, 0), (0, 100)))
    # The page's crop and rotation, as one linear map.
    xx, xy = (x1 - x0) / 100, (x2 - x0) / 100
    yx, yy = (y1 - y0) / 100, (y2 - y0) / 100

    def place(left: float, bottom: float, right: float, top: float) -> Box:
        xs = (x0 + xx * left + xy * bottom, x0 + xx * right + xy * top)
        ys = (y0 + yx * left + yy * bottom, y0 + yx * right + yy * top)
        return Box(min(xs), min(ys), max(xs), max(ys))

    return place


def _shown(page: Any, x: float, y: float) -> tuple[float, float]:
    from pypdfium2 import raw

    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(
        page, 0, 0, _UNIT, _UNIT, 0, x, y, ctypes.byref(across), ctypes.byref(down)
    )
    return across.value / _UNIT, down.value / _UNIT


def _seeing(textpage: Any) -> Callable[[int], bool]:
    """Whether a character is drawn at all; asked once per run of text."""
    from pypdfium2 import raw

    known: dict[int | None, bool] = {}
    colour = [ctypes.c_uint() for _ in range(4)]

    def is_drawn(index: int) -> bool:
        run = raw.FPDFText_GetTextObject(textpage, index)
        key = ctypes.cast(run, ctypes.c_void_p).value
        if key not in known:
            is_clear = (
                raw.FPDFText_GetFillColor(textpage, index, *map(ctypes.byref, colour))
                and colour[3].value == 0
            )
            mode = raw.FPDFTextObj_GetTextRenderMode(run) if run else 0
            known[key] = mode not in _INVISIBLE and not is_clear
        return known[key]

    return is_drawn
