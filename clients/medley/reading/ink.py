"""What on a grey image is ink and what is paper."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

_CELL = 16
_MIN_CONTRAST = 20.0
_GRAINS = 5.0
_EDGE = 0.02
_MIN_SHARE = 0.0001
_LOOK_PIXELS = 350_000
"""Looked at no larger: small enough for grain to average out, large enough for strokes."""


def ink(image: "Image") -> Any:
    """Where there is ink, as a numpy array of bool in the size of the grey image.

    Ink is what stands out of the paper around it, be that grey, grainy or unevenly lit.
    """
    import numpy

    grey = numpy.asarray(image, dtype=numpy.float32)
    away = numpy.abs(grey - _paper(grey))
    grain = 1.4826 * float(numpy.median(away))
    return away > max(_MIN_CONTRAST, _GRAINS * grain)


def is_blank(image: "Image") -> bool:
    """Whether nothing is written or drawn on a page."""
    import numpy

    grey = image.convert("L")
    factor = max(1, round((grey.width * grey.height / _LOOK_PIXELS) ** 0.5))
    found = ink(grey.reduce(factor))
    height, width = found.shape
    edge_y, edge_x = int(height * _EDGE), int(width * _EDGE)  # scanners leave shadows there
    inner = found[edge_y : height - edge_y, edge_x : width - edge_x]
    return bool(numpy.count_nonzero(inner) < _MIN_SHARE * inner.size)


def _paper(grey: Any) -> Any:
    """The paper's grey around every pixel: the median of the cells around, without steps."""
    import numpy
    from PIL import Image

    height, width = grey.shape
    rows, columns = max(1, height // _CELL), max(1, width // _CELL)
    cropped = grey[: height - height % rows, : width - width % columns]
    cells = cropped.reshape(rows, cropped.shape[0] // rows, columns, cropped.shape[1] // columns)
    medians = numpy.median(cells, axis=(1, 3)).astype(numpy.float32)
    smooth = Image.fromarray(medians).resize((width, height), Image.Resampling.BILINEAR)
    return numpy.asarray(smooth)
