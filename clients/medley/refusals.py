"""Which error an answer stands for that is no success."""

from collections.abc import Mapping
from typing import Any

from medley.errors import (
    AdmissionRefused,
    AliasProtected,
    BadRequest,
    BlankDocument,
    Conflict,
    DeadlineExceeded,
    EncryptedDocument,
    Forbidden,
    IdempotencyConflict,
    NotFound,
    NotNow,
    OutputUnusable,
    Refusal,
    ResultExpired,
    SchemaUnsupported,
    ServerFailed,
    SignatureRefused,
    StaleGeneration,
    StaleRevision,
    TooLarge,
    TooManyPages,
    Unacceptable,
    Unauthenticated,
    UnsupportedMediaType,
    UnusableDocument,
)

# Their statuses, too: a job's error comes without one.
_BY_CODE: Mapping[str, tuple[int, type[Refusal]]] = {
    "stale_generation": (409, StaleGeneration),
    "stale_revision": (409, StaleRevision),
    "alias_protected": (409, AliasProtected),
    "admission_refused": (422, AdmissionRefused),
    "signature_refused": (422, SignatureRefused),
    "invalid_request": (400, BadRequest),
    "invalid_pages": (400, BadRequest),
    "field_forbidden": (400, BadRequest),
    "image_source_forbidden": (400, BadRequest),
    "unauthenticated": (401, Unauthenticated),
    "adapter_forbidden": (403, Forbidden),
    "adapter_not_found": (404, NotFound),
    "model_not_found": (404, NotFound),
    "job_not_found": (404, NotFound),
    "idempotency_conflict": (409, IdempotencyConflict),
    "result_expired": (410, ResultExpired),
    "file_too_large": (413, TooLarge),
    "too_many_pages": (413, TooManyPages),
    "too_many_pixels": (413, TooLarge),
    "document_too_long": (413, TooLarge),
    "too_much_text": (413, TooLarge),
    "unsupported_media_type": (415, UnsupportedMediaType),
    "encrypted_document": (422, EncryptedDocument),
    "corrupt_document": (422, UnusableDocument),
    "blank_document": (422, BlankDocument),
    "image_too_small": (422, UnusableDocument),
    "not_a_medical_document": (422, UnusableDocument),
    "schema_unsupported": (422, SchemaUnsupported),
    "queue_full": (429, NotNow),
    "waited_too_long": (429, NotNow),
    "rate_limited": (429, NotNow),
    "output_truncated": (502, OutputUnusable),
    "output_invalid": (502, OutputUnusable),
    "engine_error": (502, ServerFailed),
    "engine_unavailable": (503, NotNow),
    "deadline_exceeded": (504, DeadlineExceeded),
}
_BY_STATUS: Mapping[int, type[Refusal]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    415: UnsupportedMediaType,
    422: Unacceptable,
    429: NotNow,
    503: NotNow,
}
_RETRYABLE = frozenset({429, 502, 503, 504})


def refusal(
    status: int | None,
    body: Any,
    *,
    retry_after_s: float | None = None,
    request_id: str | None = None,
) -> Refusal:
    """The error for an answer that is no success.

    Args:
        status: of HTTP; None where the body alone is known, as of a job that failed.
        body: the answer, read as JSON; None where it is none.
        retry_after_s: what the header of that name asks for.
        request_id: what the answer's headers say of it.
    """
    match body:
        case {"error": {"message": str(told), **more}}:
            message, error = told, more
        case _:
            message, error = f"the server answered {status or 'with an error'}", {}
    code, details, page = error.get("code"), error.get("details"), error.get("page")
    named = error.get("request_id")
    usual, kind = _BY_CODE.get(str(code), (500, None))
    status = status or usual
    general = _BY_STATUS.get(status, ServerFailed if status >= 500 else Refusal)
    return (kind or general)(
        message,
        status=status,
        code=str(code or f"http_{status}"),
        details=details if isinstance(details, dict) else {},
        retry_after_s=retry_after_s,
        page=page if isinstance(page, int) else None,
        request_id=request_id or (named if isinstance(named, str) else None),
        retryable=bool(error.get("retryable", status in _RETRYABLE)),
    )
