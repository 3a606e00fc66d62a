"""`medley serve`: a swap is a promotion in the registry."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from medley_registry import Registry, open_registry
from medley_registry.variants import VariantKind

from medley_training.benchmarks.swaps.lane import Act, Leftovers, telling_client
from medley_training.benchmarks.swaps.stage import Stage
from medley_training.errors import NotMeasured
from medley_training.measuring.served import served

_ACTOR = "medley bench swap"
_SETTLED_S = 30.0
_LOOK_EVERY_S = 0.02


class MedleyLane:
    """Follows the stage's registry."""

    name = "medley serve"

    def __init__(self, url: str, registry: Registry) -> None:
        """See `medley_lane`."""
        self.url = url
        self._registry = registry
        self._client = telling_client(url, timeout_s=30)

    async def close(self) -> None:
        """Gives its connections back."""
        await self._client.aclose()

    def model_of(self, adapter: str) -> str:
        """See `SwapLane`."""
        return adapter

    def model_of_act(self, act: Act) -> str:
        """See `SwapLane`."""
        return str(act)

    def named(self, model: str) -> Act | None:
        """See `SwapLane`: `model` of an answer is the version's reference."""
        adapter, _, number = model.partition(":")
        return Act(adapter, int(number))

    async def swap(self, act: Act) -> None:
        """See `SwapLane`: returns when the server, which follows the registry, says it is live."""
        await asyncio.to_thread(self._registry.promote, act.adapter, act.number, actor=_ACTOR)
        for _ in range(int(_SETTLED_S / _LOOK_EVERY_S)):
            cards = (await self._client.get("/v1/models")).json()["data"]
            if any(one["id"] == act.adapter and one["root"] == str(act) for one in cards):
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        raise NotMeasured(f"{act} is not live after {_SETTLED_S:g} s")

    async def leftovers(self) -> Leftovers:
        """See `SwapLane`: waits until nothing is counted any more.

        Raises:
            NotMeasured: a swap failed, which the server's health tells.
        """
        rows: list[dict[str, Any]] = []
        for _ in range(int(_SETTLED_S)):
            health = (await self._client.get("/health")).json()
            rows = health["resident"]
            if not any(row["requests"] for row in rows):
                break
            await asyncio.sleep(1)
        if failed := [swap for swap in health["swaps"] if swap["failure"]]:
            raise NotMeasured(f"a swap failed: {failed[0]['failure']}")
        return Leftovers(len(rows), sum(1 for row in rows if row["requests"]))


@asynccontextmanager
async def medley_lane(
    stage: Stage,
    *,
    slots: int,
    log: Path,
    engine_flags: Sequence[str],
    options: Sequence[str] = (),
) -> AsyncIterator[MedleyLane]:
    """Starts the server, ready on entry.

    Args:
        stage: what it serves.
        slots: adapters in one batch.
        log: takes what it prints.
        engine_flags: for vLLM.
        options: more of `medley serve`'s own.

    Raises:
        ServerDidNotStart: it ended, or took longer than ten minutes.
    """
    starting = served(
        stage.base,
        str(stage.registry),
        variant=VariantKind.BF16,
        log=log,
        max_loras=slots,
        options=options,
        engine_flags=engine_flags,
        home=stage.registry.parent / "home",
    )
    # Not in a thread: the server ends with the thread that started it.
    with starting as up, open_registry(stage.registry) as registry:
        lane = MedleyLane(up.url, registry)
        try:
            yield lane
        finally:
            await lane.close()
