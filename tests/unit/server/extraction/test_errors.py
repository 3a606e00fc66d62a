"""What refusals look like."""

import pytest
from medley.reading import errors as reading
from medley_server.errors import ModelNotFound
from medley_server.extraction import errors
from medley_server.extraction.errors import AdapterNotFound, answer_body, of_document

TABLE = {
    "invalid_request": 400, "invalid_pages": 400, "unauthenticated": 401, "adapter_forbidden": 403,
    "adapter_not_found": 404, "job_not_found": 404, "idempotency_conflict": 409,
    "result_expired": 410, "file_too_large": 413, "too_many_pages": 413, "too_many_pixels": 413,
    "too_much_text": 413, "document_too_long": 413,
    "unsupported_media_type": 415, "encrypted_document": 422,
    "corrupt_document": 422, "blank_document": 422, "image_too_small": 422,
    "schema_unsupported": 422, "not_a_medical_document": 422, "queue_full": 429,
    "engine_error": 502, "output_truncated": 502, "output_invalid": 502,
    "engine_unavailable": 503, "deadline_exceeded": 504,
}  # fmt: skip


def kinds_of(kind: type[errors.ExtractionError]) -> list[type[errors.ExtractionError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in kinds_of(below))]


def test_every_code_of_the_table_has_its_status() -> None:
    here = [kind for kind in kinds_of(errors.ExtractionError) if kind.__module__ == errors.__name__]

    assert {kind.code: kind.status for kind in here if vars(kind).get("code")} == TABLE


@pytest.mark.parametrize("kind", reading.DocumentError.__subclasses__())
def test_every_error_of_reading_has_its_own(kind: type[reading.DocumentError]) -> None:
    error = of_document(kind("It is too much.", limit=1, actual=2, page=3))

    assert error.code == kind.code
    body = answer_body(error, request_id="r1")["error"]
    assert isinstance(body, dict)
    assert body["details"] == {"limit": 1, "actual": 2}
    assert (body["page"], body["retryable"], body["request_id"]) == (3, False, "r1")


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (errors.QueueFull("x"), True),
        (errors.EngineUnavailable("x"), True),
        (errors.DeadlineExceeded("x"), True),
        (errors.BlankDocument("x"), False),
    ],
)
def test_a_refusal_says_whether_it_may_help_to_try_again(
    error: errors.ExtractionError, retryable: bool
) -> None:
    body = answer_body(error, request_id="r")["error"]

    assert isinstance(body, dict)
    assert body["retryable"] is retryable


def test_an_unknown_model_is_an_unknown_adapter_here() -> None:
    error = AdapterNotFound.of(ModelNotFound("nte", nearest=("note",)))

    assert (error.code, error.details) == ("adapter_not_found", {"nearest": ("note",)})
