"""Why a document is not read.

::

    DocumentError                what was given is no document that we read
    ├── EncryptedDocument        a password is needed
    ├── CorruptDocument          damaged, or made to do damage
    ├── FileTooLarge             also what unpacks to too much; has ``limit`` and ``actual``
    ├── TooManyPages             asked for, or in the file; has ``limit`` and ``actual``
    ├── TooManyPixels            of a page or of all; has ``limit``, ``actual``, ``page``
    ├── TooMuchText              of a page or of all; has ``limit`` and ``actual``
    ├── ImageTooSmall            has ``limit``, ``actual``, ``page``
    ├── UnsupportedMedia         says what it looks like instead
    └── InvalidPages             the selection names no pages of this document

``code`` is stable: programs compare it, messages are for people and name no content of the file.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class DocumentError(Exception):
    """Base of all; its text is one line that can be shown to a person as it is.

    Attributes:
        limit: What is allowed, where something is too much or too little.
        actual: What there is.
        page: The page it is about, from 1; None where it is about the document.
    """

    code: ClassVar[str] = "document_error"

    def __init__(
        self,
        message: str,
        *,
        limit: int | None = None,
        actual: int | None = None,
        page: int | None = None,
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.actual = actual
        self.page = page


class EncryptedDocument(DocumentError):
    code = "encrypted_document"


class CorruptDocument(DocumentError):
    code = "corrupt_document"


class FileTooLarge(DocumentError):
    code = "file_too_large"


class TooManyPages(DocumentError):
    code = "too_many_pages"


class TooManyPixels(DocumentError):
    code = "too_many_pixels"


class TooMuchText(DocumentError):
    code = "too_much_text"


class ImageTooSmall(DocumentError):
    code = "image_too_small"


class UnsupportedMedia(DocumentError):
    code = "unsupported_media_type"


class InvalidPages(DocumentError):
    code = "invalid_pages"


_BY_CODE: Mapping[str, type[DocumentError]] = {
    error.code: error
    for error in (
        EncryptedDocument,
        CorruptDocument,
        FileTooLarge,
        TooManyPages,
        TooManyPixels,
        TooMuchText,
        ImageTooSmall,
        UnsupportedMedia,
        InvalidPages,
    )
}


def as_json(error: DocumentError) -> dict[str, Any]:
    """The error as plain data, for another process."""
    return {
        "code": error.code,
        "message": str(error),
        "limit": error.limit,
        "actual": error.actual,
        "page": error.page,
    }


def from_json(told: Mapping[str, Any]) -> DocumentError:
    """The error that `as_json` made plain data of."""
    kind = _BY_CODE.get(told["code"], CorruptDocument)
    return kind(told["message"], limit=told["limit"], actual=told["actual"], page=told["page"])
