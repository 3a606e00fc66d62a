"""Pages per minute of a running server, with one, four and sixteen documents at a time.

    python -m tests.bench.extraction_speed --url http://127.0.0.1:8000 --adapter documents@canary

Documents of one page each; rounds of 1, 4 and 16 at a time take turns, once up and once down.
Meanwhile a process of its own asks `/health` every 10 ms: that answer comes from the event loop of
the server's HTTP side, so what it waits is how long the loop was busy, plus what the machine made
the prober itself wait, which is measured and given beside it. On a machine whose processors are all
busy with the engine the second part is not small. The server at rest is measured first.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import httpx
from medley import AsyncClient

from tests.bench.extraction_documents import Case, Level, cases
from tests.bench.extraction_figures import Timed, quantile, times

AT_ONCE = (1, 4, 16)
STEP_S = 0.01
_REST_S = 5.0
_START_S = 60.0


@dataclass(slots=True)
class Probed:
    """What the prober saw, in milliseconds: answers' times, and its own late awakenings."""

    answers_ms: list[float] = field(default_factory=list)
    own_delay_ms: list[float] = field(default_factory=list)

    def report(self) -> dict[str, float]:
        """The longest and the usual of both."""
        found: dict[str, float] = {"probes": len(self.answers_ms)}
        for name, values in (("answer", self.answers_ms), ("own_delay", self.own_delay_ms)):
            ordered = sorted(values)
            for share, label in ((0.5, "p50"), (0.99, "p99"), (1.0, "longest")):
                found[f"{name}_{label}_ms"] = round(quantile(ordered, share), 2) if ordered else 0.0
        return found


def probe(
    url: str, is_ready: Event, is_over: Event, results: "multiprocessing.Queue[Probed]"
) -> None:
    """Asks until it is over; runs in a process of its own."""
    seen = Probed()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        client.get("/health")  # opens the connection
        is_ready.set()
        while not is_over.is_set():
            due = time.perf_counter() + STEP_S
            time.sleep(STEP_S)
            began = time.perf_counter()
            client.get("/health")
            seen.own_delay_ms.append(1000 * (began - due))
            seen.answers_ms.append(1000 * (time.perf_counter() - began))
    results.put(seen)


@contextmanager
def probing(url: str) -> Iterator[Probed]:
    """Probes while the block runs; what was seen is there after it."""
    context = multiprocessing.get_context("spawn")
    is_ready, is_over, results = context.Event(), context.Event(), context.Queue()
    process = context.Process(target=probe, args=(url, is_ready, is_over, results), daemon=True)
    process.start()
    if not is_ready.wait(_START_S):
        process.terminate()
        raise RuntimeError(f"{url}/health gives no answer")
    seen = Probed()
    try:
        yield seen
    finally:
        is_over.set()
        last: Probed = results.get(timeout=120)
        process.join()
        seen.answers_ms += last.answers_ms
        seen.own_delay_ms += last.own_delay_ms


async def one_round(
    client: AsyncClient, adapter: str | None, files: Sequence[Path], at_once: int
) -> tuple[float, list[Timed]]:
    """The seconds of a round and of each of its documents, which have one page."""
    room = asyncio.Semaphore(at_once)

    async def one(path: Path) -> Timed:
        async with room:
            began = time.perf_counter()
            found = await client.extract(path, adapter=adapter, timeout_s=900)
            return Timed(time.perf_counter() - began, 1, found.usage)

    began = time.perf_counter()
    timed = await asyncio.gather(*(one(path) for path in files))
    return time.perf_counter() - began, timed


async def rounds(
    url: str, adapter: str | None, files: Sequence[Path], least: int
) -> list[dict[str, Any]]:
    """A row for each concurrency, from two rounds each of at least so many documents."""
    took: dict[int, float] = dict.fromkeys(AT_ONCE, 0.0)
    timed: dict[int, list[Timed]] = {at_once: [] for at_once in AT_ONCE}
    probed: dict[int, Probed] = {at_once: Probed() for at_once in AT_ONCE}
    async with AsyncClient(url) as client:
        await one_round(client, adapter, files[:1], 1)  # loads what is loaded once
        for at_once in (*AT_ONCE, *reversed(AT_ONCE)):
            with probing(url) as seen:
                those = files[: max(least, at_once)]
                seconds, each = await one_round(client, adapter, those, at_once)
            took[at_once] += seconds
            timed[at_once] += each
            probed[at_once].answers_ms += seen.answers_ms
            probed[at_once].own_delay_ms += seen.own_delay_ms
    return [
        {
            "at_once": at_once,
            "pages_per_min": round(60 * len(timed[at_once]) / took[at_once], 2),
            **times(timed[at_once]),
            "probe": probed[at_once].report(),
        }
        for at_once in AT_ONCE
    ]


def one_page_cases(count: int, level: Level) -> list[Case]:
    """The first documents that take one page, the types in turn."""
    found = (case for case in cases(10 * count, levels=[level]) if case.num_pages == 1)
    return [case for case, _ in zip(found, range(count), strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", required=True)
    parser.add_argument("--adapter", help="a reference; the server's choice if not given")
    parser.add_argument(
        "--documents", type=int, default=16, help="in a round; but as many as are asked at once"
    )
    parser.add_argument("--level", choices=("pdf", "scan", "fax", "phone"), default="scan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        most = max(options.documents, *AT_ONCE)
        files = [case.file(Path(name)) for case in one_page_cases(most, options.level)]
        with probing(options.url) as at_rest:
            time.sleep(_REST_S)
        print(json.dumps({"at_rest": at_rest.report()}), flush=True)
        for row in asyncio.run(rounds(options.url, options.adapter, files, options.documents)):
            print(json.dumps(row), flush=True)
    print(f"load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
