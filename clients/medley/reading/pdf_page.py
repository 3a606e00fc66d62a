"""What is on one page of a PDF besides its text."""

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medley.pages import Box

if TYPE_CHECKING:
    from PIL.Image import Image

_MAX_OBJECTS = 20_000
"""Looked through for pictures, no further: a drawing can have millions, and forms nest."""
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on a page.

    Attributes:
        width: In pixels, as it is stored.
        height: In the same.
        box: Where it stands on the page as it is shown; None inside a form, which may be anywhere.
    """

    width: int
    height: int
    box: Box | None


def rendered(page: Any, scale: float, *, grey: bool = False) -> "Image":
    """A page as it is seen: ``L`` if `grey`, else ``RGB``."""
    bitmap = page.render(scale=scale, grayscale=grey, rev_byteorder=True, limit_image_cache=True)
    image: Image = bitmap.to_pil()
    return image.copy()  # its pixels belong to the bitmap


def pictures(page: Any) -> list[Picture]:
    """The pictures on a page, also those in forms; their pixels are not looked at."""
    from pypdfium2 import raw

    from medley.reading.glyphs import placing

    place, found = placing(page), []
    width, height = ctypes.c_uint(), ctypes.c_uint()
    edges = [ctypes.c_float() for _ in range(4)]
    for item, depth in _objects(page):
        if raw.FPDFPageObj_GetType(item) != raw.FPDF_PAGEOBJ_IMAGE:
            continue
        if not raw.FPDFImageObj_GetImagePixelSize(item, ctypes.byref(width), ctypes.byref(height)):
            continue
        box = None
        if depth == 0 and raw.FPDFPageObj_GetBounds(item, *map(ctypes.byref, edges)):
            left, bottom, right, top = (edge.value for edge in edges)
            shown = place(left, bottom, right, top)
            box = Box(*(min(max(share, 0.0), 1.0) for share in shown))
        found.append(Picture(width.value, height.value, box))
    return found


def _objects(page: Any) -> Iterator[tuple[Any, int]]:
    """The objects of a page and of its forms, and how deep in forms each is."""
    from pypdfium2 import raw

    count, left = raw.FPDFPage_CountObjects(page), _MAX_OBJECTS
    todo = [(raw.FPDFPage_GetObject(page, n), 0) for n in range(min(count, left))]
    todo.reverse()
    while todo and left:
        item, depth = todo.pop()
        left -= 1
        yield item, depth
        if depth < _MAX_DEPTH and raw.FPDFPageObj_GetType(item) == raw.FPDF_PAGEOBJ_FORM:
            inside = min(raw.FPDFFormObj_CountObjects(item), left)
            todo.extend((raw.FPDFFormObj_GetObject(item, n), depth + 1) for n in range(inside))
