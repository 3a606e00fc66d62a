"""`medley bench swap`, from the registry to the figures of each server."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from medley_registry import Registry, Version

from medley_training.benchmarks.prompts import Vocabulary
from medley_training.benchmarks.swaps.figures import SwapFigures, figures_of
from medley_training.benchmarks.swaps.lane import SwapLane
from medley_training.benchmarks.swaps.medley_lane import medley_lane
from medley_training.benchmarks.swaps.rehearsal import Progress, Rehearsal, SwapPlan
from medley_training.benchmarks.swaps.stage import Stage, set_stage
from medley_training.benchmarks.swaps.vllm_lane import vllm_lane

ADAPTERS = 4
_SPARE_SLOTS = 2
"""A version that comes needs a slot while the one that goes still answers."""
_CANDIDATES = 5
_INPUT_TOKENS = 24
_ENGINE_FLAGS = (
    *("--max-model-len", "512", "--enforce-eager"),
    # In bfloat16 a batch rounds otherwise than a request alone, and a near tie falls otherwise:
    # of 7,680 tokens of right versions 50 were off by more than a near tie.
    *("--dtype", "float32"),
    "--no-enable-prefix-caching",  # a few prompts are asked over and over
    *("--kv-cache-memory-bytes", str(1 << 30)),  # else vLLM takes nearly all of a CPU's memory
)


def bench_swaps(
    registry: Registry,
    versions: Sequence[Version],
    plan: SwapPlan,
    *,
    folder: Path,
    logs: Path,
    seed: int,
    has_peer: bool,
    engine_flags: Sequence[str],
    progress: Progress,
) -> list[SwapFigures]:
    """Lets one server after the other go through the same.

    Args:
        registry: where the versions are; it is only read.
        versions: of one base; the first of eight contents.
        plan: what each server goes through.
        folder: an empty one, for a registry of the benchmark's own.
        logs: takes what the servers print.
        seed: of prompts and stand-ins.
        has_peer: whether plain vLLM does the same.
        engine_flags: for vLLM, on both sides.
        progress: called with the swaps done.

    Raises:
        BadLoad: the versions are for several bases, or there are none.
        ServerDidNotStart, NotMeasured: a server does not start, or not do as it is told.
    """
    stage = set_stage(folder, registry, versions, adapters=ADAPTERS, seed=seed)
    prompts = _prompts(stage, seed)
    flags = (*_ENGINE_FLAGS, *engine_flags)
    slots = ADAPTERS + _SPARE_SLOTS

    async def rehearse(lane: SwapLane) -> SwapFigures:
        course = Rehearsal(lane, sorted(stage.folders), prompts, plan, progress=progress)
        return figures_of(lane.name, await course.run())

    async def run() -> list[SwapFigures]:
        async with medley_lane(
            stage, slots=slots, log=logs / "medley.log", engine_flags=flags
        ) as m:
            found = [await rehearse(m)]
        if has_peer:
            log = logs / "vllm.log"
            async with vllm_lane(stage, slots=slots, log=log, engine_flags=flags) as peer:
                found.append(await rehearse(peer))
        return found

    return asyncio.run(run())


def _prompts(stage: Stage, seed: int) -> list[list[int]]:
    import numpy as np

    ids = Vocabulary(stage.base.path).ids
    drawn = np.random.default_rng((seed, 5)).choice(ids, (_CANDIDATES, _INPUT_TOKENS))
    return [[int(token) for token in prompt] for prompt in drawn]
