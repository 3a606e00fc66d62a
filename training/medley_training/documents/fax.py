"""A page that came by fax (ITU-T T.4, group 3)."""

import math
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from medley_training.documents.warp import Point, Warp

if TYPE_CHECKING:
    from numpy import bool_
    from numpy.random import Generator
    from numpy.typing import NDArray
    from PIL.Image import Image

FAX_DPI = 204
_FINE, _STANDARD = 196, 98
_HEADER = 0.018
"""Of the picture's height: the strip with the header line, which pushes the page down."""
_LARGEST_TURN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax:
    """What happens to one page on its way.

    Attributes:
        lines_per_inch: 196 in fine mode; 98 in standard mode, in which every line comes twice.
        angle: How far the paper lies askew, in degrees, clockwise.
        stretch: How much faster or slower than it should the paper is drawn in.
        threshold: Grey levels below it are black.
        specks: The share of points that are of the wrong colour.
        lost_lines: How many lines of the picture come as white, or as the line above.
        streak: Where dirt on the glass draws a line down the page, as a share of the width.
        header: The line that the sender's machine prints on top.
        seed: Of the specks and lost lines.
    """

    lines_per_inch: int
    angle: float
    stretch: float
    threshold: int
    specks: float
    lost_lines: int
    streak: float | None
    header: str
    seed: int

    def warp(self, aspect: float) -> Warp:
        """Where the page goes; `aspect` is its height by its width."""
        first, second = self._at(0, 0, aspect), self._at(1, 0, aspect)
        return Warp((first, second, self._at(1, 1, aspect), self._at(0, 1, aspect)))

    def _at(self, x: float, y: float, aspect: float) -> Point:
        turn = math.radians(self.angle)
        dx, dy = x - 0.5, (y - 0.5) * aspect
        turned_x = dx * math.cos(turn) - dy * math.sin(turn)
        turned_y = (dx * math.sin(turn) + dy * math.cos(turn)) * self.stretch / aspect
        return 0.5 + turned_x, _HEADER + (0.5 + turned_y) * (1 - _HEADER)


def draw_fax(random: Random, number: int) -> Fax:
    """A machine's usual faults; `number` is the page's, for its header line."""
    hour, minute = random.randrange(7, 19), random.randrange(60)
    sender = f"555-01{random.randrange(100):02d}"
    return Fax(
        lines_per_inch=random.choice((_FINE, _FINE, _FINE, _STANDARD)),
        angle=random.uniform(-_LARGEST_TURN, _LARGEST_TURN),
        stretch=random.uniform(0.985, 1.0),
        threshold=random.randrange(138, 172),
        specks=random.uniform(0.0002, 0.0015),
        lost_lines=random.randrange(5),
        streak=random.uniform(0.03, 0.97) if random.random() < 0.3 else None,
        header=f"{hour:02d}:{minute:02d}   FROM: {sender}   TO: WARD OFFICE   P.{number:02d}",
        seed=random.randrange(2**32),
    )


def faxed(image: "Image", fax: Fax) -> "Image":
    """The page as the receiver's machine gives it: black and white, 204 by 196 dots per inch."""
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(fax.seed)
    grey = np.asarray(_scanned(image, fax), dtype=np.float64)
    grain = random.normal(0.0, 14.0, grey.shape)
    is_black: NDArray[bool_] = grey + grain < fax.threshold
    is_black = _sent(is_black, fax, random)
    picture = Image.fromarray(np.where(is_black, 0, 255).astype(np.uint8))
    if fax.lines_per_inch == _STANDARD:
        picture = picture.resize((picture.width, picture.height * 2), Image.Resampling.NEAREST)
    _print_header(picture, fax.header)
    return picture.convert("1", dither=Image.Dither.NONE)


def _scanned(image: "Image", fax: Fax) -> "Image":
    """Grey, in as many lines as the machine sends, on a sheet that is as large as the page."""
    from PIL import Image, ImageFilter

    height = round(image.height * fax.lines_per_inch / FAX_DPI)
    size = image.width, height
    back = fax.warp(image.height / image.width).backwards(image.size, size)
    return (
        image.convert("L")
        .filter(ImageFilter.GaussianBlur(0.5))
        .transform(
            size,
            Image.Transform.PERSPECTIVE,
            back,
            resample=Image.Resampling.BICUBIC,
            fillcolor=255,
        )
    )


def _sent(is_black: "NDArray[bool_]", fax: Fax, random: "Generator") -> "NDArray[bool_]":
    """With the faults of the glass and of the telephone line."""
    sent = is_black ^ (random.random(is_black.shape) < fax.specks)
    height, width = sent.shape
    for y in random.integers(1, height, fax.lost_lines):
        sent[y] = sent[y - 1] if random.random() < 0.5 else False
    if fax.streak is not None:
        is_dirty = random.random(height) < 0.8
        sent[:, int(fax.streak * width)] |= is_dirty
    return sent


def _print_header(picture: "Image", text: str) -> None:
    from PIL import ImageDraw, ImageFont

    strip = round(_HEADER * picture.height)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, picture.width, strip), fill=255)
    font = ImageFont.load_default(size=0.62 * strip)
    draw.text((0.06 * picture.width, 0.16 * strip), text, fill=0, font=font)
