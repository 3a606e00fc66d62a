"""A job as the store keeps it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from medley.results import Job, JobStatus

FORGOTTEN_AFTER_S = 86_400.0
"""How long it is still said of a result that it was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A row.

    Attributes:
        id: Not to be guessed.
        caller: Whose it is.
        request_id: Of the request that made it.
        idempotency_key: The caller's own name for it.
        digest: Of the document and of all options.
        options: As JSON.
        is_promised: Its id was told to somebody.
        attempts: How often the work was begun.
        created_at: In seconds since 1970.
        expires_at: When the result goes; before it is final, a guess.
        code: Status of the answer, once it is final.
        error: The refusal's whole body.
        is_callback_due: Somebody is to be told, and was not yet.
        is_swept: Its files are gone.
    """

    id: str
    caller: str
    request_id: str
    idempotency_key: str | None
    digest: str
    options: str
    is_promised: bool
    status: JobStatus
    created_at: float
    expires_at: float
    attempts: int = 0
    pages_done: int = 0
    pages_in: int | None = None
    code: int | None = None
    error: str | None = None
    is_callback_due: bool = False
    is_swept: bool = False

    def is_expired(self, now: float) -> bool:
        """Whether its result has gone, or goes now."""
        return self.status.is_final and now >= self.expires_at

    def job(self, **more: Any) -> Job:
        """The same on the wire."""
        return Job(
            id=self.id,
            status=self.status,
            created_at=datetime.fromtimestamp(self.created_at, UTC),
            expires_at=datetime.fromtimestamp(self.expires_at, UTC),
            pages_done=self.pages_done,
            pages_in=self.pages_in,
            **more,
        )
