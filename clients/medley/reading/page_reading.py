"""One page of an open file, read."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from medley.pages import Page, PageStatus
from medley.pages import Source as WordSource
from medley.reading.source import Source
from medley.reading.turning import turned_image

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_PIXELS = 1_003_520
"""As many as Qwen2.5-VL looks at by default: 1280 patches of 28 x 28."""
_MAX_SIDE = 2400
_MIN_SIDE = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of a page is asked for besides its words.

    Attributes:
        images: The upright page as a picture.
        image_pixels: At most so many in it.
        drawn_at: Only draw, turned by so many degrees as an earlier reading found; no words.
    """

    images: bool = False
    image_pixels: int = IMAGE_PIXELS
    drawn_at: int | None = None


def read_page(source: Source, number: int, wanted: Wanted) -> Page:
    """Read a page by its text layer where that is plausible, else by OCR.

    Raises:
        DocumentError: It cannot be decoded, or is too large.
    """
    if wanted.drawn_at is not None:
        return _drawn(source, number, wanted, wanted.drawn_at)
    size = source.size(number)
    layer = source.layer(number)
    if layer is not None and layer.words and layer.distrust is None:
        turned = layer.rotation % 180 == 90
        width, height = (size.height, size.width) if turned else (size.width, size.height)
        image = None
        if wanted.images:
            image = _encoded(turned_image(source.image(number), layer.rotation), wanted)
        return Page(
            number=number,
            status=PageStatus.READ,
            source=WordSource.TEXT_LAYER,
            width=width,
            height=height,
            dpi=size.dpi,
            rotation=layer.rotation,
            words=layer.words,
            image=image,
        )
    return _seen(source.image(number), number, size.dpi, wanted)


def _drawn(source: Source, number: int, wanted: Wanted, rotation: int) -> Page:
    upright = turned_image(source.image(number), rotation)
    return Page(
        number=number,
        status=PageStatus.READ,
        width=upright.width,
        height=upright.height,
        rotation=rotation,
        image=_encoded(upright, wanted) if wanted.images else None,
    )


def _seen(image: "Image", number: int, dpi: float | None, wanted: Wanted) -> Page:
    from medley.reading.ink import is_blank
    from medley.reading.optical import Sight, see

    blank = is_blank(image)
    sight = Sight(0, (), ()) if blank else see(_at_reading_size(image))
    upright = turned_image(image, sight.rotation)
    if blank:
        status = PageStatus.BLANK
    else:
        status = PageStatus.READ if sight.words else PageStatus.UNREADABLE
    return Page(
        number=number,
        status=status,
        source=WordSource.OCR if sight.words else WordSource.NONE,
        width=upright.width,
        height=upright.height,
        dpi=dpi,
        rotation=sight.rotation,
        words=sight.words,
        unreadable=sight.unreadable,
        image=_encoded(upright, wanted) if wanted.images else None,
    )


def _at_reading_size(image: "Image") -> "Image":
    from PIL import Image

    longer = max(image.size)
    scale = min(1.0, _MAX_SIDE / longer)
    if longer < _MIN_SIDE:
        scale = _MIN_SIDE / longer
    if scale == 1.0:
        return image
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encoded(image: "Image", wanted: Wanted) -> bytes:
    from PIL import Image

    scale = min(1.0, (wanted.image_pixels / (image.width * image.height)) ** 0.5)
    if scale < 1.0:
        size = (max(int(image.width * scale), 1), max(int(image.height * scale), 1))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, format="JPEG", quality=90)
    return out.getvalue()
