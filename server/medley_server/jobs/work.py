"""A job while this process knows it: what was asked for, and what has become of it so far."""

import asyncio
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from medley.results import ExtractionOptions, JobStatus, Mode

from medley_server.document_forms import canonical
from medley_server.jobs.job_row import JobRow
from medley_server.jobs.outcome import Outcome
from medley_server.jobs.turns import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a caller asks for.

    Attributes:
        caller: Who may have the result.
        request_id: Of the request.
        document: A file, which the job takes away.
        sha256: Of its bytes.
        idempotency_key: The caller's own name for the job, if there is one.
    """

    caller: str
    request_id: str
    options: ExtractionOptions
    document: Path
    sha256: str
    idempotency_key: str | None = None

    @property
    def digest(self) -> str:
        """Two orders with the same digest ask for the same."""
        told = json.dumps([self.sha256, canonical(self.options)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def is_promised(self) -> bool:
        """Whether somebody will ask for the result, or be told, in any case."""
        return self.options.mode is Mode.ASYNC or self.options.callback_url is not None


def new_id() -> str:
    """Of a job; nobody guesses it."""
    return f"job_{secrets.token_hex(16)}"


@dataclass(slots=True, eq=False, kw_only=True)
class Work:
    """A job; belongs to one event loop.

    Attributes:
        is_promised: Its id was told to somebody, so it goes on whoever hangs up.
        waiters: Callers who wait for the outcome.
        place: In the line; None for one that is over.
        task: Does the work.
        outcome: Comes last, when everything that must be kept is kept.
    """

    id: str
    caller: str
    request_id: str
    options: ExtractionOptions
    idempotency_key: str | None
    digest: str
    is_promised: bool
    created_at: float
    expires_at: float
    status: JobStatus = JobStatus.QUEUED
    attempts: int = 0
    pages_done: int = 0
    pages_in: int | None = None
    waiters: int = 0
    place: Place | None = None
    task: asyncio.Task[bytes] | None = None
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @classmethod
    def of_order(cls, order: Order, *, now: float, kept_s: float) -> "Work":
        """A new job."""
        return cls(
            id=new_id(),
            caller=order.caller,
            request_id=order.request_id,
            options=order.options,
            idempotency_key=order.idempotency_key,
            digest=order.digest,
            is_promised=order.is_promised,
            created_at=now,
            expires_at=now + kept_s,
        )

    @classmethod
    def of_row(cls, row: JobRow) -> "Work":
        """A job out of the store, which is to be done (again), or over."""
        return cls(
            id=row.id,
            caller=row.caller,
            request_id=row.request_id,
            options=ExtractionOptions.model_validate_json(row.options),
            idempotency_key=row.idempotency_key,
            digest=row.digest,
            is_promised=row.is_promised,
            created_at=row.created_at,
            expires_at=row.expires_at,
            attempts=row.attempts,
        )

    @property
    def is_stored(self) -> bool:
        """Whether somebody may ask for it later."""
        return self.is_promised or self.idempotency_key is not None

    @property
    def is_called_off(self) -> bool:
        """Whether it is on its way to being cancelled."""
        return self.task is not None and self.task.cancelling() > 0

    def progress(self, done: int, of: int) -> None:
        """Takes down how far it is."""
        self.pages_done, self.pages_in = done, of

    def row(self, outcome: Outcome | None = None) -> JobRow:
        """As the store keeps it, once it is over with its outcome."""
        error = outcome.body.decode() if outcome and outcome.error else None
        return JobRow(
            id=self.id,
            caller=self.caller,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            digest=self.digest,
            options=json.dumps(canonical(self.options)),
            is_promised=self.is_promised,
            status=outcome.status if outcome else self.status,
            created_at=self.created_at,
            expires_at=self.expires_at,
            attempts=self.attempts,
            pages_done=self.pages_done,
            pages_in=self.pages_in,
            code=outcome.code if outcome else None,
            error=error,
            is_callback_due=outcome is not None and self.options.callback_url is not None,
        )
