"""Documents' bytes to pages of words with boxes: PDF, pictures, DICOM, OCR.

`Readers` read in processes of their own, within limits: that is what servers use. `read_document`
reads in this one. Either takes a `Budget` and gives a `medley.pages.Reading`, or raises a
`DocumentError`.
"""

from medley.reading.budget import Budget
from medley.reading.document import read_document
from medley.reading.errors import (
    CorruptDocument,
    DocumentError,
    EncryptedDocument,
    FileTooLarge,
    ImageTooSmall,
    InvalidPages,
    TooManyPages,
    TooManyPixels,
    TooMuchText,
    UnsupportedMedia,
)
from medley.reading.media import MediaType, media_type
from medley.reading.page_reading import Wanted
from medley.reading.readers import Readers
from medley.reading.selection import parse_pages

__all__ = [
    "Budget",
    "CorruptDocument",
    "DocumentError",
    "EncryptedDocument",
    "FileTooLarge",
    "ImageTooSmall",
    "InvalidPages",
    "MediaType",
    "Readers",
    "TooManyPages",
    "TooManyPixels",
    "TooMuchText",
    "UnsupportedMedia",
    "Wanted",
    "media_type",
    "parse_pages",
    "read_document",
]
