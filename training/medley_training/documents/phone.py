"""A page that somebody photographed with a phone, lying on a desk."""

import math
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

from medley_training.documents.warp import Point, Quad, Warp

if TYPE_CHECKING:
    from numpy import float32
    from numpy.random import Generator
    from numpy.typing import NDArray
    from PIL.Image import Image

PHONE_DPI = 200
_DESKS = ((112, 84, 60), (70, 66, 64), (148, 132, 112), (52, 62, 74), (176, 172, 166))
_LARGEST_TURN = 2.5
_EDGE = 0.012
"""Of the picture: no corner of the page comes nearer to the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One photograph.

    Attributes:
        warp: Where the page lies in it.
        desk: The colour of what it lies on.
        tint: How the lamp colours white paper: shares of red, green and blue.
        dimmest: The light at the darkest edge of the picture, as a share of the brightest.
        lit_from: The direction in which it gets brighter, in radians.
        shadow: Where the photographer's shadow is darkest, in shares of the picture.
        shadow_depth: How much of the light it takes there.
        blur: Of the lens, in pixels.
        shake: How far the hand moved, in pixels, along the lines.
        grain: The standard deviation of the sensor's noise, in grey levels of 255.
        quality: Of the JPEG.
        seed: Of the noise.
    """

    warp: Warp
    desk: tuple[int, int, int]
    tint: tuple[float, float, float]
    dimmest: float
    lit_from: float
    shadow: Point
    shadow_depth: float
    blur: float
    shake: int
    grain: float
    quality: int
    seed: int


def draw_shot(random: Random) -> Shot:
    """What happens to those who photograph paper with some care."""
    return Shot(
        warp=Warp(_draw_corners(random)),
        desk=random.choice(_DESKS),
        tint=(1.0, random.uniform(0.94, 1.0), random.uniform(0.82, 0.98)),
        dimmest=random.uniform(0.6, 0.9),
        lit_from=random.uniform(0.0, 2 * math.pi),
        shadow=(random.uniform(0.1, 0.9), random.uniform(0.4, 1.1)),
        shadow_depth=random.uniform(0.0, 0.35),
        blur=random.uniform(0.4, 0.9),
        shake=random.choice((1, 1, 1, 2, 3)),
        grain=random.uniform(2.0, 6.0),
        quality=random.randrange(55, 86),
        seed=random.randrange(2**32),
    )


def _draw_corners(random: Random) -> Quad:
    """A page that fills most of the picture, turned, and seen from not quite above."""
    turn = math.radians(random.uniform(-_LARGEST_TURN, _LARGEST_TURN))
    far, side = random.uniform(-0.03, 0.045), random.uniform(-0.03, 0.03)
    half = random.uniform(0.445, 0.475)

    def corner(across: int, down: int) -> Point:
        x = half * across * (1 - far * (1 - down) / 2)
        y = half * down * (1 - side * (1 - across) / 2)
        at_x = 0.5 + x * math.cos(turn) - y * math.sin(turn)
        at_y = 0.5 + x * math.sin(turn) + y * math.cos(turn)
        return min(max(at_x, _EDGE), 1 - _EDGE), min(max(at_y, _EDGE), 1 - _EDGE)

    return corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)


def photographed(image: "Image", shot: Shot) -> "Image":
    """The picture that the phone gives: in colour, a little larger than the page was drawn."""
    import numpy as np
    from PIL import Image, ImageFilter

    random = np.random.default_rng(shot.seed)
    seen = _on_desk(image, shot, random).filter(ImageFilter.GaussianBlur(shot.blur))
    pixels = _shaken(np.asarray(seen, dtype=np.float32), shot.shake)
    pixels *= _light(seen.height, seen.width, shot)[:, :, None]
    pixels *= np.array(shot.tint, dtype=np.float32)
    pixels += shot.grain * random.standard_normal(pixels.shape, dtype=np.float32)
    taken = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    file = BytesIO()
    taken.save(file, format="JPEG", quality=shot.quality)
    return Image.open(file).convert("RGB")


def _on_desk(image: "Image", shot: Shot, random: "Generator") -> "Image":
    """The page in perspective, on a desk with some grain."""
    import numpy as np
    from PIL import Image

    size = round(image.width * 1.06), round(image.height * 1.06)
    back = shot.warp.backwards(image.size, size)
    flat = {"resample": Image.Resampling.BICUBIC}
    page = image.convert("RGB").transform(size, Image.Transform.PERSPECTIVE, back, **flat)
    white = Image.new("L", image.size, 255)
    paper = white.transform(size, Image.Transform.PERSPECTIVE, back, **flat)
    wood = random.normal(0.0, 5.0, (size[1], 1, 1)) + random.normal(0.0, 3.0, (*size[::-1], 1))
    desk = (np.array(shot.desk, dtype=np.float32) + wood).clip(0, 255).astype(np.uint8)
    return Image.composite(page, Image.fromarray(desk), paper)


def _shaken(pixels: "NDArray[float32]", shake: int) -> "NDArray[float32]":
    import numpy as np

    moved = pixels.copy()
    for step in range(1, shake):
        moved += np.roll(pixels, step, axis=1)
    moved /= shake
    return moved


def _light(height: int, width: int, shot: Shot) -> "NDArray[float32]":
    """How much of the light reaches each point: less on one side, and less in the shadow."""
    import numpy as np

    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    along = (x - 0.5) * math.cos(shot.lit_from) + (y - 0.5) * math.sin(shot.lit_from)
    side = 1 - (1 - shot.dimmest) * (0.5 - along / math.sqrt(2))
    distance = ((x - shot.shadow[0]) / 0.35) ** 2 + ((y - shot.shadow[1]) / 0.28) ** 2
    return (side * (1 - shot.shadow_depth * np.exp(-distance))).astype(np.float32)
