"""An extraction that goes on after the answer."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from medley.results.extraction import Extraction


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)


class Job(BaseModel):
    """A job as `GET /v1/jobs/{id}` shows it.

    Attributes:
        expires_at: When the result goes.
        result: Once it is done.
        error: Once it failed: the error that a synchronous call would have got.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: JobStatus
    created_at: datetime
    expires_at: datetime
    pages_done: int = 0
    pages_in: int | None = None
    result: Extraction | None = None
    error: dict[str, Any] | None = None
