"""`client.jobs`: extractions that go on after the answer."""

from typing import TYPE_CHECKING

from medley import job_calls as calls
from medley.calls import AsyncSender, Sender
from medley.job_calls import Progress

if TYPE_CHECKING:
    from medley.results import Extraction, Job


class Jobs:
    """The jobs of the client's own key; every method raises a `MedleyError`."""

    def __init__(self, client: Sender) -> None:
        self._client = client

    def get(self, job_id: str) -> "Job":
        """How a job stands, with its result once it is done.

        Raises:
            ResultExpired: it was kept as long as was said.
        """
        return self._client.run(calls.seeing(job_id))

    def wait(
        self, job_id: str, *, timeout_s: float | None = None, progress: Progress | None = None
    ) -> "Extraction":
        """A job's result.

        Args:
            job_id: the job.
            timeout_s: how long to wait; None for as long as it takes.
            progress: called with the job whenever something is heard of it.

        Raises:
            StillRunning: it is not done by then.
            JobCancelled: there will be no result.
            Refusal: it failed.
        """
        return self._client.run(calls.waiting_for(job_id, timeout_s=timeout_s, progress=progress))

    def cancel(self, job_id: str) -> "Job":
        """Stop a job; one that is over stays as it is."""
        return self._client.send(calls.cancel_job(job_id))

    def list(self) -> "tuple[Job, ...]":
        """All that are still kept, newest first."""
        return self._client.run(calls.listing())


class AsyncJobs:
    """`Jobs`, awaited."""

    def __init__(self, client: AsyncSender) -> None:
        self._client = client

    async def get(self, job_id: str) -> "Job":
        """See `Jobs.get`."""
        return await self._client.run(calls.seeing(job_id))

    async def wait(
        self, job_id: str, *, timeout_s: float | None = None, progress: Progress | None = None
    ) -> "Extraction":
        """See `Jobs.wait`. Stopping to wait does not stop the job."""
        flow = calls.waiting_for(job_id, timeout_s=timeout_s, progress=progress)
        return await self._client.run(flow)

    async def cancel(self, job_id: str) -> "Job":
        """See `Jobs.cancel`."""
        return await self._client.send(calls.cancel_job(job_id))

    async def list(self) -> "tuple[Job, ...]":
        """See `Jobs.list`."""
        return await self._client.run(calls.listing())
