"""Pictures: PNG, JPEG, WebP, and TIFF of several pages, by Pillow."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley.reading.errors import CorruptDocument
from medley.reading.media import MediaType
from medley.reading.source import Size, TextLayer

if TYPE_CHECKING:
    from PIL.Image import Image

_DPI = range(50, 2401)
"""What a file may claim; others say 1 or 72 million and mean nothing by it."""


class PictureFile:
    """An open picture. Of an animated one the first frame is the page."""

    def __init__(self, path: Path, kind: MediaType) -> None:
        """Open it and read its header.

        Raises:
            CorruptDocument: There is no header that makes sense.
        """
        self._kind = kind
        with _as_corrupt(kind):
            # Not `Image.open`: it tries other kinds, and has a limit of its own on pixels.
            self._image = _plugin(kind)(path)

    def close(self) -> None:
        self._image.close()

    def count(self, limit: int) -> int:
        if self._kind is not MediaType.TIFF:
            return 1
        count = 1
        with _as_corrupt(self._kind), suppress(EOFError):  # at the end
            while count <= limit:
                self._image.seek(count)
                count += 1
        return count

    def size(self, number: int) -> Size:
        self._seek(number)
        with _as_corrupt(self._kind, number):
            x_dpi, y_dpi = self._dpi()
            width, height = self._image.size
            if x_dpi and y_dpi:  # a fax has twice the dots across
                scale_x, scale_y = max(y_dpi / x_dpi, 1), max(x_dpi / y_dpi, 1)
                width, height = round(width * scale_x), round(height * scale_y)
            if self._orientation() in _SIDEWAYS:
                width, height = height, width
        return Size(width, height, max(x_dpi, y_dpi) or None)

    def layer(self, number: int) -> TextLayer | None:
        return None

    def image(self, number: int) -> "Image":
        from medley.reading.toning import on_white

        size = self.size(number)
        with _as_corrupt(self._kind, number):
            self._image.load()
            upright = on_white(self._image)
            for turn in _TURNS.get(self._orientation(), ()):
                upright = upright.transpose(turn)
        if upright.size != (size.width, size.height):
            upright = upright.resize((size.width, size.height))
        return upright

    def _seek(self, number: int) -> None:
        if self._kind is MediaType.TIFF:
            with _as_corrupt(self._kind, number):
                self._image.seek(number - 1)

    def _orientation(self) -> int:
        """As EXIF counts it; Pillow turns TIFF by itself."""
        if self._kind is MediaType.TIFF:
            return 1
        if self._kind is MediaType.PNG and "exif" not in self._image.info:
            return 1  # asked for it, Pillow would decode the whole picture to look behind it
        told = self._image.getexif().get(_ORIENTATION, 1)
        return told if isinstance(told, int) else 1

    def _dpi(self) -> tuple[float, float]:
        told = self._image.info.get("dpi", (0, 0))
        try:
            x, y = (float(value) for value in told)
        except (TypeError, ValueError, ZeroDivisionError):
            return 0.0, 0.0
        if round(x) not in _DPI or round(y) not in _DPI:
            return 0.0, 0.0
        return x, y


_ORIENTATION = 0x0112  # the tag of EXIF
_SIDEWAYS = range(5, 9)
# By orientation, Pillow's transpositions, in turn: mirrored, upside down, a quarter to the left,
# a quarter to the right. Those of `Image.Transpose`, which is not imported here.
_FLIP, _QUARTER_LEFT, _HALF, _QUARTER_RIGHT = 0, 2, 3, 4
_TURNS = {
    2: (_FLIP,),
    3: (_HALF,),
    4: (_FLIP, _HALF),
    5: (_QUARTER_RIGHT, _FLIP),
    6: (_QUARTER_RIGHT,),
    7: (_QUARTER_LEFT, _FLIP),
    8: (_QUARTER_LEFT,),
}


@contextmanager
def _as_corrupt(kind: MediaType, page: int | None = None) -> Iterator[None]:
    """Whatever a decoder stumbles over is the file's fault; they raise all kinds of errors."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        name = kind.name if kind is not MediaType.WEBP else "WebP"
        raise CorruptDocument(
            f"the {name} picture is damaged ({type(error).__name__})", page=page
        ) from error


def _plugin(kind: MediaType) -> Any:
    from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

    return {
        MediaType.PNG: PngImagePlugin.PngImageFile,
        MediaType.JPEG: JpegImagePlugin.JpegImageFile,
        MediaType.WEBP: WebPImagePlugin.WebPImageFile,
        MediaType.TIFF: TiffImagePlugin.TiffImageFile,
    }[kind]
