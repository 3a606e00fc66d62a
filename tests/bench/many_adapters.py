"""Sixty-four adapters over eight slots: how much throughput is left of that with all in slots.

    python -m tests.bench.many_adapters [--adapters 64] [--slots 8] [--seconds 30] [--askers 16]

`medley serve` and plain vLLM (every adapter loaded before) answer the same load in mirrored turns:
requests for eight adapters, for all of them evenly, and by Zipf's law. The ratio to "in slots" of
the same server is what counts.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.asking import Asking, Reply
from medley_training.benchmarks.swaps.lane import SwapLane
from medley_training.benchmarks.swaps.medley_lane import medley_lane
from medley_training.benchmarks.swaps.stage import Stage
from medley_training.benchmarks.swaps.vllm_lane import vllm_lane

from tests.bench.staged import BASE, FLAGS, staged

TOKENS = 24
PAUSE_S = 1.5
_WARM_UP_S = 6.0


def weights(kind: str, adapters: int, slots: int) -> list[float]:
    """How often each adapter is asked for."""
    if kind == "in slots":
        return [1.0] * slots + [0.0] * (adapters - slots)
    if kind == "uniform":
        return [1.0] * adapters
    return [1 / place for place in range(1, adapters + 1)]


KINDS = ("in slots", "uniform", "zipf")


async def turn(
    lane: SwapLane,
    asking: Asking,
    adapters: Sequence[str],
    drawn: Sequence[float],
    *,
    askers: int,
    seconds: float,
    seed: int,
) -> tuple[float, list[Reply]]:
    """Tokens a second, and the replies."""
    pick = random.Random(seed)
    replies: list[Reply] = []
    began = time.perf_counter()

    async def asker() -> None:
        while time.perf_counter() - began < seconds:
            adapter = pick.choices(adapters, drawn)[0]
            prompt = pick.randrange(4)
            model = lane.model_of(adapter)
            replies.append(await asking.ask(model, adapter, prompt, is_streamed=True))

    await asyncio.gather(*(asker() for _ in range(askers)))
    taken = time.perf_counter() - began
    return sum(len(reply.tokens) for reply in replies) / taken, replies


async def measure(lane: SwapLane, stage: Stage, options: argparse.Namespace) -> None:
    """All loads at one server; prints a row of each."""
    ids = Vocabulary(stage.base.path).ids
    drawn = random.Random(1)
    asking = Asking(lane, [drawn.choices(ids, k=24) for _ in range(4)], output_tokens=TOKENS)
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    firsts: dict[str, list[float]] = {kind: [] for kind in KINDS}
    failed = 0
    for place, kind in enumerate([KINDS[1], *KINDS, *reversed(KINDS)]):
        share = weights(kind, options.adapters, options.slots)
        rate, replies = await turn(
            lane,
            asking,
            stage.adapters,
            share,
            askers=options.askers,
            seconds=options.seconds if place else _WARM_UP_S,
            seed=place,
        )
        failed += sum(reply.error is not None for reply in replies)
        if place:
            rates[kind].append(rate)
            firsts[kind] += [one.first - one.sent for one in replies if one.first is not None]
        await asyncio.sleep(PAUSE_S)
    await asking.close()
    whole = statistics.mean(rates["in slots"])
    for kind in KINDS:
        rate = statistics.mean(rates[kind])
        p50, *_, p99 = (statistics.quantiles(firsts[kind], n=100)[at] for at in (49, 98))
        print(
            f"| {lane.name} | {kind} | {rate:.0f} | {rate / whole:.2f} | {1000 * p50:.0f} "
            f"| {1000 * p99:.0f} | {failed} |",
            flush=True,
        )


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Both servers, one after the other."""
    stage = staged(folder, options.base, adapters=options.adapters)
    print(
        "| server | adapters asked for | tokens/s | of in slots | first token p50 | p99 | failed |"
    )
    print("|---|---|---|---|---|---|---|")
    kept = ("--resident", str(options.adapters))
    async with medley_lane(
        stage, slots=options.slots, log=folder / "medley.log", engine_flags=FLAGS, options=kept
    ) as lane:
        await measure(lane, stage, options)
    async with vllm_lane(
        stage, slots=options.slots, log=folder / "vllm.log", engine_flags=FLAGS
    ) as peer:
        await measure(peer, stage, options)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=BASE)
    parser.add_argument("--adapters", type=int, default=64)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--askers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(parser.parse_args(), Path(folder)))


if __name__ == "__main__":
    main()
