"""PDF files, by PDFium."""

import ctypes
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley.reading.errors import CorruptDocument, EncryptedDocument, TooManyPixels
from medley.reading.pdf_page import pictures, rendered
from medley.reading.source import Size, TextLayer

if TYPE_CHECKING:
    from PIL.Image import Image

POINTS_PER_INCH = 72
DPI = 150
MIN_DPI = 50
_MAX_SIDE = 3300
"""Larger sheets are rendered at fewer dots: a photo is often put on one of a point per pixel."""
_CORRUPT = "the PDF is damaged"


class PdfFile:
    """An open PDF. PDFium is not made for threads: use one at a time in a process."""

    def __init__(self, content: Path | bytes, *, max_pixels: int, max_characters: int) -> None:
        """Open it.

        Raises:
            EncryptedDocument: It wants a password.
            CorruptDocument: It cannot be opened.
        """
        import pypdfium2
        from pypdfium2 import PdfiumError, raw

        self._max_pixels = max_pixels
        self._max_characters = max_characters
        try:
            self._pdf = pypdfium2.PdfDocument(content)
        except PdfiumError as error:
            if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
                raise EncryptedDocument("the PDF is protected by a password") from None
            raise CorruptDocument(f"{_CORRUPT}: it cannot be opened") from None
        # Filled-in forms: their text is drawn by the form, not by the page.
        self._has_form = self._pdf.get_formtype() == raw.FORMTYPE_ACRO_FORM
        if self._has_form:
            self._pdf.init_forms()

    def close(self) -> None:
        self._pdf.close()

    def count(self, limit: int) -> int:
        count = len(self._pdf)
        if count < 1:
            raise CorruptDocument(f"{_CORRUPT}: it has no page")
        return count

    def size(self, number: int) -> Size:
        from pypdfium2 import raw

        box = raw.FS_SIZEF()
        if not raw.FPDF_GetPageSizeByIndexF(self._pdf, number - 1, ctypes.byref(box)):
            raise CorruptDocument(f"{_CORRUPT}: page {number} cannot be found", page=number)
        return _size(box.width, box.height, number)

    def layer(self, number: int) -> TextLayer | None:
        from medley.reading.text_layer import text_layer

        with self._page(number) as page:
            return text_layer(page, number, most=self._max_characters)

    def image(self, number: int) -> "Image":
        size = self.size(number)
        with self._page(number) as page:
            return rendered(page, (size.dpi or DPI) / POINTS_PER_INCH)

    @contextmanager
    def _page(self, number: int) -> Iterator[Any]:
        from pypdfium2 import PdfiumError

        try:
            page = self._pdf[number - 1]
            if self._has_form:  # else what was filled in is neither text nor seen
                page.flatten()
                page.close()
                page = self._pdf[number - 1]
            self._check_pictures(page, number)
            yield page
            page.close()
        except PdfiumError:
            raise CorruptDocument(
                f"{_CORRUPT}: page {number} cannot be read", page=number
            ) from None

    def _check_pictures(self, page: Any, number: int) -> None:
        for picture in pictures(page):
            if picture.width * picture.height > self._max_pixels:
                raise TooManyPixels(
                    f"a picture on page {number} has {picture.width} x {picture.height} pixels;"
                    f" at most {self._max_pixels} are read",
                    limit=self._max_pixels,
                    actual=picture.width * picture.height,
                    page=number,
                )


def _size(width: float, height: float, number: int) -> Size:
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise CorruptDocument(f"{_CORRUPT}: page {number} has no size", page=number)
    dpi = min(DPI, max(MIN_DPI, _MAX_SIDE * POINTS_PER_INCH / max(width, height)))
    scale = dpi / POINTS_PER_INCH
    return Size(math.ceil(width * scale), math.ceil(height * scale), dpi)
