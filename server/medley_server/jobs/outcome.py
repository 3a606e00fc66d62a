"""How a job ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from medley.results import JobStatus

from medley_server.document_errors import JobCancelled
from medley_server.errors import ServerError
from medley_server.extraction.errors import answer_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer that a synchronous call gets.

    Attributes:
        status: Done, failed or cancelled.
        code: The answer's status.
        body: The answer's body: an `Extraction`, or a refusal.
        headers: What goes with it.
    """

    status: JobStatus
    code: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def done(cls, body: bytes) -> Self:
        """It has a result."""
        return cls(status=JobStatus.DONE, code=200, body=body)

    @classmethod
    def failed(cls, error: ServerError, *, request_id: str) -> Self:
        """It has an error, which names the request that made the job."""
        is_cancelled = isinstance(error, JobCancelled)
        return cls(
            status=JobStatus.CANCELLED if is_cancelled else JobStatus.FAILED,
            code=error.status,
            body=json.dumps(answer_body(error, request_id=request_id)).encode(),
            headers=error.headers(),
        )

    @property
    def error(self) -> dict[str, Any] | None:
        """OpenAI's error object, if it is one."""
        if self.status is JobStatus.DONE:
            return None
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error

    @property
    def is_worth_another_try(self) -> bool:
        """Whether the same request may be answered otherwise the next time."""
        error = self.error
        return error is not None and (
            bool(error["retryable"]) or self.status is JobStatus.CANCELLED
        )
