"""White stretches between the words of a line."""

from typing import Any, NamedTuple

_CONTRAST = 0.35
_RULE = 0.9
_MIN_WIDTH = 0.04


class Gap(NamedTuple):
    """From where to where there is no ink, as shares of the line's length.

    `ems` is how wide it is in heights of the line.
    """

    begin: float
    end: float
    ems: float


def gaps(crop: Any) -> tuple[Gap, ...]:
    """The stretches without ink of a straightened line, from left to right."""
    import numpy

    grey = crop.mean(axis=2)
    if grey.shape[0] > grey.shape[1] * 1.5:
        return ()
    paper, darkest = numpy.median(grey), numpy.percentile(grey, 2)
    brightest = numpy.percentile(grey, 98)
    contrast = max(paper - darkest, brightest - paper)
    found = numpy.abs(grey - paper) > max(_CONTRAST * contrast, 1.0)
    found[found.mean(axis=1) > _RULE] = False  # a line's underline is in all its columns
    white = ~found.any(axis=0)
    edges = numpy.flatnonzero(numpy.diff(numpy.pad(white, 1).astype(numpy.int8)))
    height, width = grey.shape
    return tuple(
        Gap(int(begin) / width, int(end) / width, int(end - begin) / height)
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if end - begin >= max(_MIN_WIDTH * height, 1)
    )
