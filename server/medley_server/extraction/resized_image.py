"""A page's picture in the size that a vision-language base looks at, and boxes in its pixels.

Qwen's models resize a picture so that both sides are multiples of a factor and the pixels are
within bounds, and they give boxes in pixels of *that* picture (QwenLM/Qwen3-VL#676). The rule is
`smart_resize` of Qwen's published code (transformers, `image_processing_qwen2_vl.py`). A picture
that is sent in this size is left as it is, so nobody has to guess what the model saw, and the
limits of the engine's encoder are kept.
"""

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from medley.pages import Box

MOST_PIXELS = 1_003_520
"""As many as Qwen2.5-VL is usually told: 1280 patches of 28 x 28."""

LEAST_PIXELS = 56 * 56
_MOST_ASPECT = 200
_JPEG_QUALITY = 92


class ImageSize(NamedTuple):
    """In pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """How a vision-language base looks at a picture.

    Attributes:
        factor: Both sides are multiples of it; a square of it is one token.
        box_scale: What boxes are counted in: None for pixels, else shares of so many.
    """

    factor: int = 28
    least_pixels: int = LEAST_PIXELS
    most_pixels: int = MOST_PIXELS
    box_scale: int | None = None

    @classmethod
    def of_base(cls, folder: Path) -> "Eye | None":
        """That of the base in a folder; None where its `config.json` tells of no vision."""
        config = _read(folder / "config.json")
        vision = config.get("vision_config")
        if not isinstance(vision, dict):
            return None
        patch = vision.get("patch_size", 14) * vision.get("spatial_merge_size", 2)
        least, most = _bounds(folder)
        most = min(most, MOST_PIXELS)
        # Qwen3-VL counts boxes in thousandths of the picture (QwenLM/Qwen3-VL#721).
        scale = 1000 if str(config.get("model_type", "")).startswith("qwen3_vl") else None
        return cls(
            factor=int(patch), least_pixels=min(least, most), most_pixels=most, box_scale=scale
        )

    def size(self, given: ImageSize) -> ImageSize:
        """What a picture is resized to.

        Raises:
            ValueError: It is more than 200 times as long as wide, or has no pixels.
        """
        width, height = given
        if min(width, height) < 1 or max(width, height) / min(width, height) > _MOST_ASPECT:
            raise ValueError(f"a picture of {width} x {height} pixels is too narrow")
        area, factor = width * height, self.factor
        sides = [round(side / factor) * factor for side in (width, height)]
        if sides[0] * sides[1] > self.most_pixels:
            beta = math.sqrt(area / self.most_pixels)
            sides = [
                max(factor, math.floor(side / beta / factor) * factor) for side in (width, height)
            ]
        elif sides[0] * sides[1] < self.least_pixels:
            beta = math.sqrt(self.least_pixels / area)
            sides = [math.ceil(side * beta / factor) * factor for side in (width, height)]
        longest = _MOST_ASPECT * min(sides)  # rounding may pass it, and the engine would refuse
        return ImageSize(*(min(side, longest) for side in sides))

    def tokens(self, size: ImageSize) -> int:
        """How many tokens a resized picture is, with its two marks."""
        return (size.width // self.factor) * (size.height // self.factor) + 2

    def box(self, given: Any, size: ImageSize) -> Box | None:
        """A box that a model gave, as shares of the page; None where it is none."""
        is_four = isinstance(given, Sequence) and not isinstance(given, str) and len(given) == 4
        if not is_four or not all(type(side) in (int, float) for side in given):
            return None
        width = self.box_scale or size.width
        height = self.box_scale or size.height
        x0, y0, x1, y1 = (
            min(max(side / whole, 0.0), 1.0)
            for side, whole in zip(given, (width, height, width, height), strict=True)
        )
        return Box(x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


class ResizedImage(NamedTuple):
    """A picture as it is sent."""

    url: str
    size: ImageSize


def resized(image: bytes, eye: Eye) -> ResizedImage:
    """A page's picture in the size that the model looks at; to be called in a thread.

    Raises:
        ValueError: See `Eye.size`.
    """
    from PIL import Image

    with Image.open(BytesIO(image)) as picture:
        size = eye.size(ImageSize(picture.width, picture.height))
        colours = picture.convert("RGB")
    if colours.size != size:
        colours = colours.resize(size, Image.Resampling.BICUBIC)
    out = BytesIO()
    colours.save(out, format="JPEG", quality=_JPEG_QUALITY)
    return ResizedImage(f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}", size)


def _bounds(folder: Path) -> tuple[int, int]:
    """The least and the most pixels of the base's own processor, wherever it says so.

    transformers 5 writes all of a processor into one file, and the bounds as `size`; Qwen3-VL's own
    files have them so too. `min_pixels` and `max_pixels` win where both are there.
    """
    told = _read(folder / "processor_config.json").get("image_processor")
    if not isinstance(told, dict):
        told = _read(folder / "preprocessor_config.json")
    size = told.get("size")
    edges = size if isinstance(size, dict) else {}
    least = told.get("min_pixels") or edges.get("shortest_edge") or LEAST_PIXELS
    most = told.get("max_pixels") or edges.get("longest_edge") or MOST_PIXELS
    return int(least), int(most)


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
