"""Page images, clean or as if scanned; the boxes of values turn with the paper."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

from medley_training.documents.page import Box, PageLayout, Place

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 150
_POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a scanner does to a sheet.

    Attributes:
        angle: How far the paper lies askew, in degrees, counter-clockwise.
        noise: The standard deviation of the grain, in grey levels of 255.
        paper: The grey of white paper.
    """

    angle: float
    noise: float
    paper: int


def draw_scan(random: Random) -> Scan:
    """A scanner's slight faults."""
    return Scan(
        angle=random.uniform(-1.5, 1.5),
        noise=random.uniform(3.0, 9.0),
        paper=random.randrange(236, 254),
    )


def page_images(pdf: bytes, *, dpi: int = DPI) -> Iterator["Image"]:
    """Every page of a PDF as a colour image."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            yield page.render(scale=dpi / _POINTS_PER_INCH).to_pil().convert("RGB")


def as_png(image: "Image") -> bytes:
    """The bytes of a PNG file."""
    out = BytesIO()
    image.save(out, format="PNG")
    return out.getvalue()


def scanned(image: "Image", scan: Scan, *, seed: int) -> "Image":
    """The image as the scanner sees it: grey, of the same size."""
    import numpy
    from PIL import Image

    turned = image.convert("L").rotate(scan.angle, resample=Image.Resampling.BICUBIC, fillcolor=255)
    grain = numpy.random.default_rng(seed).normal(0.0, scan.noise, (image.height, image.width))
    grey = numpy.asarray(turned, dtype=numpy.float64) * (scan.paper / 255) + grain
    return Image.fromarray(grey.clip(0, 255).astype(numpy.uint8))


def turned_places(
    found: Sequence[Place], pages: Sequence[PageLayout], scan: Scan
) -> tuple[Place, ...]:
    """The places on the scanned pages: the smallest upright boxes around the turned ones."""
    return tuple(
        replace(
            place,
            boxes=tuple((n, _turned(box, pages[n - 1], scan.angle)) for n, box in place.boxes),
        )
        for place in found
    )


def _turned(box: Box, page: PageLayout, angle: float) -> Box:
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    left, top, right, bottom = box
    xs, ys = [], []
    for corner_x, corner_y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        # From the middle of the page, in points; y grows downwards.
        x, y = (corner_x - 0.5) * page.width, (corner_y - 0.5) * page.height
        xs.append((x * cosine + y * sine) / page.width + 0.5)
        ys.append((y * cosine - x * sine) / page.height + 0.5)
    return max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), 1.0), min(max(ys), 1.0)
