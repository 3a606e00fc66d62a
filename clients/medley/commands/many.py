"""Many documents at once, each told of as soon as all before it are."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medley import AsyncClient, MedleyError
from medley.commands.waiting_view import Waiting
from medley.document_calls import ExtractOptions

if TYPE_CHECKING:
    from medley.results import Extraction, Job

_CANCEL_S = 3.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a document: an extraction, or why there is none."""

    name: str
    extraction: "Extraction | None" = None
    error: MedleyError | OSError | None = None


async def extract_all(
    client: AsyncClient,
    files: Sequence[Path],
    options: ExtractOptions,
    *,
    at_once: int,
    waiting: Waiting,
) -> AsyncIterator[Outcome]:
    """The outcome for each file, in their order; so many are extracted at a time."""
    free = asyncio.Semaphore(at_once)

    async def one(path: Path) -> Outcome:
        async with free:
            waiting.begin(str(path))
            try:
                return await _extract(client, path, options, waiting)
            finally:
                waiting.end(str(path))

    tasks = [asyncio.create_task(one(path)) for path in files]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _extract(
    client: AsyncClient, path: Path, options: ExtractOptions, waiting: Waiting
) -> Outcome:
    jobs: list[str] = []

    def hear(job: "Job") -> None:
        jobs[:] = [job.id]
        waiting.hear(str(path), job)

    is_input = path == Path("-")
    source = sys.stdin.buffer if is_input else path
    name = "stdin" if is_input else path.name
    try:
        heard: ExtractOptions = {**options, "progress": hear}
        extraction = await client.extract(source, **heard)
    except (MedleyError, OSError) as error:
        return Outcome(name, error=error)
    except asyncio.CancelledError:
        for job in jobs:  # nobody would ever ask for its result
            with suppress(MedleyError, TimeoutError):
                await asyncio.wait_for(client.jobs.cancel(job), _CANCEL_S)
        raise
    return Outcome(name, extraction=extraction)
