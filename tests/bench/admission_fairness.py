"""E11: two busy adapters over two slots, and a request for eight tokens of a third.

    python -m tests.bench.admission_fairness [--repeats 5] [--limit 60] [--askers 4]

`medley serve` and plain vLLM (every adapter loaded before) get the same load: of each of two
adapters `--askers` requests are always in flight, of unequal lengths, so that neither is ever idle.
Meanwhile one request at a time is asked of a busy adapter, and of the third; one that has no answer
within `--limit` seconds is given up.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.asking import Asking
from medley_training.benchmarks.swaps.lane import SwapLane
from medley_training.benchmarks.swaps.medley_lane import medley_lane
from medley_training.benchmarks.swaps.stage import Stage
from medley_training.benchmarks.swaps.vllm_lane import vllm_lane

from tests.bench.staged import BASE, FLAGS, staged

SLOTS = 2
SHORT = 8
LENGTHS = (48, 112)
"""Tokens of the answers of the load: drawn between these. Of fixed lengths all of an adapter end in
the same step now and then, which frees its slot by chance (64 and 97 did: three are nearly two)."""


@asynccontextmanager
async def load(lane: SwapLane, asking: Asking, busy: list[str], askers: int) -> AsyncIterator[None]:
    """Keeps two adapters busy; what is in flight at the end is given up."""

    async def asker(adapter: str, seed: str) -> None:
        drawn = random.Random(seed)
        while True:
            await asking.ask(
                lane.model_of(adapter),
                adapter,
                0,
                is_streamed=True,
                output_tokens=drawn.randint(*LENGTHS),
            )

    tasks = [
        asyncio.create_task(asker(adapter, f"{adapter} {place}"))
        for adapter in busy
        for place in range(askers)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait_of(lane: SwapLane, asking: Asking, adapter: str, limit_s: float) -> float | None:
    """Seconds until the whole short answer; None if it did not come in time."""
    began = time.perf_counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            model = lane.model_of(adapter)
            reply = await asking.ask(model, adapter, 1, is_streamed=True, output_tokens=SHORT)
        if reply.error is not None:
            raise RuntimeError(f"{lane.name}: {reply.error}")
        return time.perf_counter() - began
    return None


async def measure(lane: SwapLane, stage: Stage, options: argparse.Namespace) -> None:
    """Prints the rows of one server."""
    ids = Vocabulary(stage.base.path).ids
    drawn = random.Random(1)
    asking = Asking(lane, [drawn.choices(ids, k=24) for _ in range(2)], output_tokens=SHORT)
    *busy, third = stage.adapters
    for adapter in stage.adapters:  # each has been asked once
        await wait_of(lane, asking, adapter, options.limit)
    waits: dict[str, list[float | None]] = {"a third, idle server": [], "a busy one": []}
    waits["a third, under load"] = []
    for _ in range(options.repeats):
        waits["a third, idle server"].append(await wait_of(lane, asking, third, options.limit))
        async with load(lane, asking, busy, options.askers):
            await asyncio.sleep(5)
            waits["a busy one"].append(await wait_of(lane, asking, busy[0], options.limit))
            waits["a third, under load"].append(await wait_of(lane, asking, third, options.limit))
    await asking.close()
    for kind, seen in waits.items():
        answered = [wait for wait in seen if wait is not None]
        told = "none"
        if answered:
            told = f"{statistics.median(answered):.2f} | {max(answered):.2f}"
        print(f"| {lane.name} | {kind} | {told} | {len(answered)} of {len(seen)} |", flush=True)


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Both servers, one after the other."""
    stage = staged(folder, options.base, adapters=SLOTS + 1)
    print(f"| server | {SHORT} tokens of | median s | longest s | answered |")
    print("|---|---|---|---|---|")
    async with medley_lane(
        stage, slots=SLOTS, log=folder / "medley.log", engine_flags=FLAGS
    ) as lane:
        await measure(lane, stage, options)
    async with vllm_lane(stage, slots=SLOTS, log=folder / "vllm.log", engine_flags=FLAGS) as peer:
        await measure(peer, stage, options)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--askers", type=int, default=4)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
