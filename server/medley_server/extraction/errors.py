"""Every error of extraction, and what errors of reading become over HTTP.

::

    ServerError
    └── ExtractionError
        ├── InvalidRequest            400  not what the route takes
        │   ├── InvalidPages          400  no page list, or no such page
        │   ├── Unauthenticated       401  no key, or a wrong one
        │   ├── AdapterForbidden      403  the key may not use this adapter
        │   ├── AdapterNotFound       404  no such adapter, version or alias here
        │   ├── JobNotFound           404  no such job of this caller's
        │   ├── IdempotencyConflict   409  the same key came with another request before
        │   ├── ResultExpired         410  it was kept as long as was said
        │   ├── TooLarge              413  carries `limit` and `actual`
        │   │   ├── FileTooLarge
        │   │   ├── TooManyPages
        │   │   ├── TooManyPixels
        │   │   ├── TooMuchText            of a page or of all
        │   │   └── DocumentTooLong        more text than the model can be shown
        │   ├── UnsupportedMediaType  415  by its bytes, whatever its name
        │   ├── SchemaUnsupported     422  names the keyword and where it stands
        │   └── Unprocessable         422
        │       ├── EncryptedDocument
        │       ├── CorruptDocument
        │       ├── BlankDocument          no page that was asked for has ink on it
        │       ├── ImageTooSmall
        │       └── NotAMedicalDocument
        ├── QueueFull                 429
        ├── EngineError               502
        │   ├── OutputTruncated            nothing but cut answers
        │   └── OutputInvalid              nothing but answers that are none
        ├── EngineUnavailable         503  the engine is dead
        └── DeadlineExceeded          504

The body is OpenAI's error object with `page`, `retryable` and `request_id`; `answer_body` makes it
of any error of the server, so that the routes of documents have one shape of refusal.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from medley_server.errors import ModelNotFound, Rejected, ServerError, error_body

if TYPE_CHECKING:
    from medley.reading.errors import DocumentError

_RETRYABLE = frozenset({429, 502, 503, 504})


MOST_OUTPUT = 8192
"""Characters of an answer that is none, given to the caller to see what went wrong."""


class ExtractionError(ServerError):
    """Base of all.

    Attributes:
        page: Which page it is about, from 1.
        details: Numbers and names that a program may act on, such as a limit.
        about: The part of the request that is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        page: int | None = None,
        about: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.page = page
        self.about = about
        self.details = dict(details or {})

    def body(self) -> dict[str, object]:
        """See `ServerError.body`; without the request's id, which `answer_body` adds."""
        param = self.about or self.param
        return error_body(
            str(self), kind=self.kind, code=self.code, param=param, details=self.details
        )


class InvalidRequest(ExtractionError):
    status: ClassVar[int] = 400
    kind: ClassVar[str] = Rejected.kind
    code: ClassVar[str | None] = "invalid_request"


class InvalidPages(InvalidRequest):
    code: ClassVar[str | None] = "invalid_pages"
    param: ClassVar[str | None] = "pages"


class Unauthenticated(InvalidRequest):
    status: ClassVar[int] = 401
    code: ClassVar[str | None] = "unauthenticated"

    def headers(self) -> dict[str, str]:
        """See `ServerError.headers`; RFC 9110 §11.6.1 wants the scheme named."""
        return {"www-authenticate": "Bearer"}


class AdapterForbidden(InvalidRequest):
    status: ClassVar[int] = 403
    code: ClassVar[str | None] = "adapter_forbidden"
    param: ClassVar[str | None] = "adapter"


class AdapterNotFound(InvalidRequest):
    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "adapter_not_found"
    param: ClassVar[str | None] = "adapter"

    @classmethod
    def of(cls, error: ModelNotFound) -> "AdapterNotFound":
        """The same, in the words of these routes."""
        return cls(str(error), details={"nearest": error.nearest} if error.nearest else None)


class JobNotFound(InvalidRequest):
    status: ClassVar[int] = 404
    code: ClassVar[str | None] = "job_not_found"


class IdempotencyConflict(InvalidRequest):
    status: ClassVar[int] = 409
    code: ClassVar[str | None] = "idempotency_conflict"


class ResultExpired(InvalidRequest):
    status: ClassVar[int] = 410
    code: ClassVar[str | None] = "result_expired"


class TooLarge(InvalidRequest):
    status: ClassVar[int] = 413
    param: ClassVar[str | None] = "file"


class FileTooLarge(TooLarge):
    code: ClassVar[str | None] = "file_too_large"


class TooManyPages(TooLarge):
    code: ClassVar[str | None] = "too_many_pages"


class TooManyPixels(TooLarge):
    code: ClassVar[str | None] = "too_many_pixels"


class TooMuchText(TooLarge):
    """Its `limit` and `actual` are in characters of a page, or in words of all pages."""

    code: ClassVar[str | None] = "too_much_text"


class DocumentTooLong(TooLarge):
    """Its `limit` and `actual` are in tokens."""

    code: ClassVar[str | None] = "document_too_long"


class UnsupportedMediaType(InvalidRequest):
    status: ClassVar[int] = 415
    code: ClassVar[str | None] = "unsupported_media_type"
    param: ClassVar[str | None] = "file"


class Unprocessable(InvalidRequest):
    status: ClassVar[int] = 422
    param: ClassVar[str | None] = "file"


class EncryptedDocument(Unprocessable):
    code: ClassVar[str | None] = "encrypted_document"


class CorruptDocument(Unprocessable):
    code: ClassVar[str | None] = "corrupt_document"


class BlankDocument(Unprocessable):
    code: ClassVar[str | None] = "blank_document"


class ImageTooSmall(Unprocessable):
    code: ClassVar[str | None] = "image_too_small"


class SchemaUnsupported(InvalidRequest):
    """Carries `keyword` and `pointer`, the keyword's place in the caller's schema."""

    status: ClassVar[int] = 422
    code: ClassVar[str | None] = "schema_unsupported"
    param: ClassVar[str | None] = "schema"


class NotAMedicalDocument(Unprocessable):
    code: ClassVar[str | None] = "not_a_medical_document"


class QueueFull(ExtractionError):
    status: ClassVar[int] = 429
    kind: ClassVar[str] = "rate_limit_error"
    code: ClassVar[str | None] = "queue_full"
    retry_after_s: ClassVar[int | None] = 5


class EngineError(ExtractionError):
    status: ClassVar[int] = 502
    code: ClassVar[str | None] = "engine_error"

    @classmethod
    def with_output(cls, message: str, output: str) -> Self:
        """With what the model wrote: for whoever sent the document, and in no log."""
        return cls(message, details={"output": output[:MOST_OUTPUT]})


class OutputTruncated(EngineError):
    code: ClassVar[str | None] = "output_truncated"


class OutputInvalid(EngineError):
    code: ClassVar[str | None] = "output_invalid"


class EngineUnavailable(ExtractionError):
    status: ClassVar[int] = 503
    kind: ClassVar[str] = "service_unavailable_error"
    code: ClassVar[str | None] = "engine_unavailable"
    retry_after_s: ClassVar[int | None] = 10


class DeadlineExceeded(ExtractionError):
    status: ClassVar[int] = 504
    code: ClassVar[str | None] = "deadline_exceeded"


_OF_READING: Mapping[str, type[ExtractionError]] = {
    str(kind.code): kind
    for kind in (
        InvalidPages,
        FileTooLarge,
        TooManyPages,
        TooManyPixels,
        TooMuchText,
        UnsupportedMediaType,
        EncryptedDocument,
        CorruptDocument,
        BlankDocument,
        ImageTooSmall,
        DeadlineExceeded,
    )
}


def of_document(error: "DocumentError") -> ExtractionError:
    """What an error of reading is over HTTP; a code that is not listed is a corrupt document."""
    kind = _OF_READING.get(error.code, CorruptDocument)
    numbers = {name: getattr(error, name, None) for name in ("limit", "actual")}
    return kind(
        str(error),
        page=getattr(error, "page", None),
        details={name: value for name, value in numbers.items() if value is not None},
    )


def answer_body(error: ServerError, *, request_id: str) -> dict[str, object]:
    """The whole body of a refusal: OpenAI's object with `page`, `retryable` and `request_id`."""
    body = error.body()
    inner = body["error"]
    assert isinstance(inner, dict)
    inner |= {
        "page": getattr(error, "page", None),
        "retryable": error.status in _RETRYABLE,
        "request_id": request_id,
    }
    return body
