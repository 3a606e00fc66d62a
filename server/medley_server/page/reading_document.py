"""A document on its way through the API, by one version or by two at a time."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from medley import AsyncClient, MedleyError
from medley.results import Extraction, Job

_LOOK_S = 0.25


async def extracted(
    client: AsyncClient, document: Path, choices: Sequence[dict[str, Any]]
) -> AsyncIterator[str | list[Extraction]]:
    """How far it is, as often as that changes, and at the end the answers in their order.

    Whoever does not wait for the end stops the work.

    Raises:
        MedleyError: One of them was refused; the other is not waited for.
    """
    seen: dict[int, Job] = {}

    async def read(number: int, options: dict[str, Any]) -> Extraction:
        def progress(job: Job) -> None:
            seen[number] = job

        return await client.extract(document, wait=True, progress=progress, **options)

    work = [asyncio.create_task(read(number, one)) for number, one in enumerate(choices)]
    started, said = time.monotonic(), ""
    try:
        while not all(one.done() for one in work):
            await asyncio.wait(work, timeout=_LOOK_S, return_when=asyncio.FIRST_EXCEPTION)
            for one in work:
                if one.done():
                    one.result()
            if said != (now := _progress(seen, time.monotonic() - started)):
                said = now
                yield said
        yield [one.result() for one in work]
    finally:
        await _end(client, work, seen)


async def _end(
    client: AsyncClient, work: Sequence[asyncio.Task[Any]], seen: dict[int, Job]
) -> None:
    unfinished = [n for n, one in enumerate(work) if not one.done()]
    for n in unfinished:
        work[n].cancel()
    await asyncio.gather(*work, return_exceptions=True)
    for n in unfinished:
        if n in seen and not seen[n].status.is_final:
            with suppress(MedleyError):
                await client.jobs.cancel(seen[n].id)


def _progress(seen: dict[int, Job], seconds: float) -> str:
    """Steps of five seconds: those who hear it are not to hear it all the time."""
    jobs = list(seen.values())
    if any(job.pages_in for job in jobs):
        done = sum(job.pages_done for job in jobs)
        return f"Reading: {done} of {sum(job.pages_in or 0 for job in jobs)} pages."
    if jobs and all(job.status == "queued" for job in jobs):
        return "Waiting for its turn."
    steps = int(seconds // 5) * 5
    return f"Reading the document, {steps} s so far." if steps else "Reading the document."
