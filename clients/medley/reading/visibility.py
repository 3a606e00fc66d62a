"""What is seen on a PDF page, set against what its text layer says."""

from collections.abc import Sequence
from typing import Any

from medley.pages import Box
from medley.reading.ink import ink
from medley.reading.pdf_page import pictures, rendered

_SCALE = 1.25  # 90 dots per inch
_MIN_CONTRAST = 24
_MAX_PICTURES = 0.5
_MAX_UNTOLD = 0.4
_MAX_UNTOLD_IN_PICTURES = 0.15
_RULE = 0.03
"""Ink that runs straight for so much of a side is a line or a fill and no letter."""
_MIN_INK = 200


class Look:
    """One look at a page."""

    def __init__(self, page: Any) -> None:
        import numpy

        image = rendered(page, _SCALE, grey=True)
        self._grey = numpy.asarray(image)
        self._ink = ink(image)
        self._pictures = [picture.box for picture in pictures(page) if picture.box]

    def has_ink(self, box: Box) -> bool:
        """Whether anything stands out in a box."""
        part = self._grey[self._slices(box)]
        return bool(part.size) and int(part.max()) - int(part.min()) >= _MIN_CONTRAST

    def distrust(self, told: Sequence[Box]) -> str | None:
        """Why words in these boxes cannot be all that the page says, or None."""
        area = sum(max(x1 - x0, 0) * max(y1 - y0, 0) for x0, y0, x1, y1 in self._pictures)
        if area > _MAX_PICTURES:
            return "the page is a picture"
        letters = self._ink & ~_long_runs(self._ink, 0) & ~_long_runs(self._ink, 1)
        total = int(letters.sum())
        for box in told:
            letters[self._slices(box)] = False
        untold = int(letters.sum())
        if total < _MIN_INK or untold < _MIN_INK:
            return None
        if untold > _MAX_UNTOLD * total:
            return "most of what is seen is not in the text"
        in_pictures = sum(int(letters[self._slices(box)].sum()) for box in self._pictures)
        if in_pictures > _MAX_UNTOLD_IN_PICTURES * total:
            return "pictures say more than the text"
        return None

    def _slices(self, box: Box) -> tuple[slice, slice]:
        height, width = self._grey.shape
        x0, y0, x1, y1 = box
        return (
            slice(max(int(y0 * height) - 1, 0), max(int(y1 * height) + 2, 0)),
            slice(max(int(x0 * width) - 1, 0), max(int(x1 * width) + 2, 0)),
        )


def _long_runs(found: Any, axis: int) -> Any:
    """Where ink runs on along an axis for `_RULE` of the page."""
    import numpy

    along = numpy.moveaxis(found, axis, 0)
    length = max(int(along.shape[0] * _RULE), 2)
    sums = numpy.cumsum(numpy.pad(along, ((1, 0), (0, 0))), axis=0, dtype=numpy.int32)
    begins = (sums[length:] - sums[:-length]) == length
    marks = numpy.zeros((along.shape[0] + 1, along.shape[1]), dtype=numpy.int32)
    marks[: begins.shape[0]] += begins
    marks[length : length + begins.shape[0]] -= begins
    return numpy.moveaxis(numpy.cumsum(marks, axis=0)[:-1] > 0, 0, axis)
