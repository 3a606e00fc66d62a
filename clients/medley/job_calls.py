"""The calls of `/v1/jobs`, and waiting for one of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from medley.answers import Answer, reading
from medley.calls import Call, Flow, Pause, get
from medley.errors import JobCancelled, StillRunning, UnexpectedAnswer
from medley.exchange import seconds_until
from medley.refusals import refusal
from medley.retrying import MOST_WAIT_S

if TYPE_CHECKING:
    from medley.results import Extraction, Job

Progress: TypeAlias = Callable[["Job"], object]
"""Called with the job whenever something is heard of it."""

_ROOT = "/v1/jobs"
_LEAST_WAIT_S = 0.05
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 5.0
"""Where the server does not say when to ask again."""


@dataclass(frozen=True, slots=True)
class SeenJob:
    """A job, and when the server wants to be asked again."""

    job: "Job"
    retry_after_s: float | None


def get_job(job_id: str) -> Call[SeenJob]:
    return get(_of(job_id), seen_job)


def cancel_job(job_id: str) -> "Call[Job]":
    from medley.results import Job

    # Cancelled again, it stays as it is.
    return Call(
        method="DELETE", path=_of(job_id), read=reading(Job.model_validate), is_repeatable=True
    )


def listing() -> "Flow[tuple[Job, ...]]":
    """All jobs, asked for page by page."""
    found: list[Job] = []
    before: str | None = None
    while True:
        page, before = yield get(_ROOT, reading(_page), {"before": before})
        found += page
        if before is None:
            return tuple(found)


def _page(body: Any) -> "tuple[list[Job], str | None]":
    from medley.results import Job

    return [Job.model_validate(one) for one in body["jobs"]], body.get("before")


def seen_job(answer: Answer) -> SeenJob:
    """Read a job, where the headers say when it is worth asking again."""
    from medley.results import Job

    job = reading(Job.model_validate)(answer)
    return SeenJob(job, seconds_until(answer.headers.get("retry-after")))


def seeing(job_id: str) -> "Flow[Job]":
    """How a job stands."""
    seen: SeenJob = yield get_job(job_id)
    return seen.job


def waiting_for(
    job_id: str, *, timeout_s: float | None, progress: Progress | None
) -> "Flow[Extraction]":
    """A job's result, from its id."""
    until = None if timeout_s is None else time.monotonic() + timeout_s
    seen: SeenJob = yield get_job(job_id)
    return (yield from waiting(seen, until=until, progress=progress))


def waiting(seen: SeenJob, *, until: float | None, progress: Progress | None) -> "Flow[Extraction]":
    """A job's result; it is asked about as often as the server wants that.

    Args:
        seen: how it stood last.
        until: when to give up, by the monotonic clock.
        progress: told of it whenever something is heard.

    Raises:
        StillRunning: it is not done by then.
        JobCancelled: there will be no result.
        Refusal: it failed; the error that a call without a job would have got.
    """
    usual_s = _FIRST_WAIT_S
    while True:
        job = seen.job
        if progress is not None:
            progress(job)
        if job.status.is_final:
            return _result_of(job)
        asked_s = usual_s if seen.retry_after_s is None else seen.retry_after_s
        wait_s = min(max(asked_s, _LEAST_WAIT_S), MOST_WAIT_S)
        if until is not None:
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise StillRunning(f"job {job.id} is {job.status} still", job=job)
            wait_s = min(wait_s, left_s)
        yield Pause(wait_s)
        usual_s = min(usual_s * 1.5, _LONGEST_WAIT_S)
        seen = yield get_job(job.id)


def _result_of(job: "Job") -> "Extraction":
    from medley.results import JobStatus

    if job.status is JobStatus.CANCELLED:
        raise JobCancelled(f"job {job.id} was cancelled", job=job)
    if job.status is JobStatus.FAILED:
        error = job.error or {}
        raise refusal(None, error if "error" in error else {"error": error})
    if job.result is None:
        raise UnexpectedAnswer(f"job {job.id} is done, and has no result")
    return job.result


def _of(job_id: str) -> str:
    return f"{_ROOT}/{quote(job_id, safe='')}"
