"""One server: the base model, the adapters live on it, and the follower that keeps them current."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from functools import lru_cache
from typing import Any

import psutil
from medley_registry import DEFAULT_ALIAS, BaseModel, Reference, Registry, Version
from medley_registry.services.access import Access

from medley_server.admission import Admission
from medley_server.admission.admission import OnWait
from medley_server.benchmark_page import BenchmarkPage
from medley_server.catalogue import Catalogue
from medley_server.engine.port import Engine
from medley_server.errors import ModelNotFound
from medley_server.last_good_state import LastGoodState, failure_of, saved_path
from medley_server.prefetching import Prefetcher
from medley_server.residency import Residency
from medley_server.restarting import restarts
from medley_server.served_base import ServedBase
from medley_server.settings import ServeSettings
from medley_server.swap import Follower, OnStep, Swap
from medley_server.traffic import Shadowing, Steering


class Service:
    """What the gateway serves; built once per process."""

    def __init__(
        self, registry: Registry, base: ServedBase, engine: Engine, settings: ServeSettings
    ) -> None:
        """Wires the parts; nothing runs until `running` is entered."""
        self._engine = engine
        self._tenant = settings.tenant
        self._cache = settings.cache
        self.access: Access = registry.access
        """Who may call."""
        self.is_local = settings.is_local
        """Whether only this machine can reach the server."""
        self._catalogue = Catalogue(registry, base)
        self._residency = Residency(
            registry, base, engine, cache=settings.cache, capacity=settings.resident
        )
        facts = engine.facts
        self.admission = Admission(
            settings.admission, slots=facts.max_loras, seats=facts.max_num_seqs
        )
        """Whose request the engine gets next, and how many sequences it has room for."""
        # A probe is of work that was accepted: nobody is told to come back for it.
        self._residency.prober.turns = lambda version: self.admission.turn(
            version.engine_name, version.reference, is_owed=True
        )
        self.steering = Steering(
            registry, self._catalogue, self._residency, Shadowing(self._copying, self._running)
        )
        """Which requests go elsewhere than to their alias's target."""
        self._follower = Follower(
            registry,
            self._catalogue,
            self._residency,
            keep_previous=settings.keep_previous,
            steering=self.steering,
        )
        self._registry = registry
        self._last_good = LastGoodState(registry, saved_path(settings))
        self._prefetcher = Prefetcher(self._catalogue, self._residency.fetcher)
        self._benchmark = BenchmarkPage(registry, self._catalogue, engine)
        self._started = time.time()

    @property
    def base_name(self) -> str:
        """What the base model itself is called."""
        return self._catalogue.base.name

    def is_base(self, model: str) -> bool:
        """Whether a request for `model` is one for the base model itself."""
        return model in self._catalogue.base.names

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Loads what the aliases point at, then follows the registry until left.

        Without adapter slots there is nothing to load or to follow.

        Raises:
            RegistryError: the registry cannot be read at the start.
        """
        if not self._has_slots:
            yield
            return
        await self._follower.reconcile()
        leases = self._residency.leases
        tasks = [
            asyncio.create_task(self._follower.follow()),
            asyncio.create_task(leases.keep(self._held)),
            asyncio.create_task(self._prefetcher.run()),
            asyncio.create_task(self.steering.run()),
            asyncio.create_task(self._last_good.keep(self._good_head)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(leases.release)

    @property
    def _has_slots(self) -> bool:
        return self._engine.facts.max_loras > 0

    @property
    def _registry_failure(self) -> str | None:
        return self._follower.failure or failure_of(self._registry)

    def _good_head(self) -> int | None:
        return None if self._registry_failure else self._follower.head

    @asynccontextmanager
    async def _copying(self, version: Version) -> AsyncIterator[None]:
        """The engine, for a request that no caller waits for."""
        async with self.lease(version), self.turn(version):
            yield

    def _running(self) -> int:
        return sum(resident.requests for resident in self._residency.residents)

    def _held(self) -> list[Version]:
        return [resident.version for resident in self._residency.residents]

    async def resolve(self, model: str) -> Version:
        """See `Catalogue.resolve`.

        Raises:
            ModelNotFound: also if the server has no slots for adapters.
        """
        if not self._has_slots:
            because = "this server runs with --max-loras 0: it serves its base alone"
            raise ModelNotFound(model, because=because, nearest=(self.base_name,))
        return await self._catalogue.resolve(model)

    def observe(self, *, on_step: OnStep, on_wait: OnWait) -> None:
        """Tells of each step of every swap, and of each turn that was waited for."""
        self._follower.on_step = on_step
        self.admission.on_wait = on_wait

    def offers(self, version: Version) -> bool:
        """Whether it may be asked for now."""
        return self._catalogue.offers(version)

    def tiers(self) -> dict[str, dict[str, str]]:
        """Which versions are in the engine, and whose files are on this machine: with adapters."""
        held = {one.version.reference: one.version.adapter for one in self._residency.residents}
        fetched = {
            version.reference: version.adapter
            for version in self._catalogue.versions
            if (self._cache / version.digest.hex).is_dir()
        }
        return {"engine": held, "fetched": fetched}

    def lease(self, version: Version) -> AbstractAsyncContextManager[None]:
        """See `Residency.lease`."""
        return self._residency.lease(version)

    def turn(self, version: Version | None, *, seats: int = 1) -> AbstractAsyncContextManager[None]:
        """See `Admission.turn`.

        Args:
            version: one that is leased; None for the base.
            seats: how many answers it generates; a request that generates none waits for no turn.
        """
        if not seats:
            return nullcontext()
        if version is None:
            return self.admission.turn(None, self.base_name, seats=seats)
        return self.admission.turn(version.engine_name, version.reference, seats=seats)

    def models(self) -> tuple[int, dict[str, Any]]:
        """`GET /v1/models`: the base, then every adapter with its aliases and versions."""
        base = self._catalogue.base
        cards = [
            _card(
                base.name,
                self._started,
                digest=str(base.origin.base_id),
                variant=base.variant.value,
            )
        ]
        for (adapter, alias), version in self._catalogue.live.items():
            names = [str(Reference(adapter, alias=alias))]
            if alias == DEFAULT_ALIAS:
                names.insert(0, adapter)
            cards += [self._adapter_card(name, version, "alias") for name in names]
        for version in self._catalogue.versions:
            cards.append(self._adapter_card(version.reference, version, "version"))
        return 200, {"object": "list", "data": cards}

    def _adapter_card(self, name: str, version: Version, kind: str) -> dict[str, Any]:
        return _card(
            name,
            version.created_at.timestamp(),
            parent=self.base_name,
            root=version.reference,
            kind=kind,
            digest=str(version.digest),
            round=version.round,
        )

    def health(self) -> tuple[int, dict[str, Any]]:
        """`GET /health`: 200 while the engine lives, else 503."""
        facts = self._engine.facts
        is_ready = self._engine.is_healthy
        base = self._catalogue.base
        body = {
            "status": "ok" if is_ready else "engine dead",
            "live": True,
            "ready": is_ready,
            "base": _base_row(base.origin),
            "variant": base.variant.value,
            "served_base": _base_row(base.model),
            "engine": facts.engine,
            "device": facts.device,
            "dtype": facts.dtype,
            "memory": _resident_bytes(int(time.monotonic()))
            | {"kv_cache_bytes": facts.kv_cache_bytes},
            "restarts": len(restarts()),
            "slots": {"in_one_batch": facts.max_loras, "rank": facts.max_lora_rank},
            "admission": self.admission.row,
            "resident": self._resident_rows(),
            "leaving": [one.version.reference for one in self._residency.leaving],
            "prefetched": self._prefetcher.rows,
            "registry": {"head": self._follower.head, "failure": self._registry_failure}
            | ({"tenant": self._tenant} if self._tenant else {}),
            "swaps": [_swap_row(swap) for swap in self._follower.swaps.values()],
            "traffic": self.steering.rows(),
        }
        return (200 if is_ready else 503), body

    async def benchmark(self, *, reset_peak: bool) -> dict[str, Any]:
        """`GET /benchmark`: see `BenchmarkPage.read`."""
        return await self._benchmark.read(reset_peak=reset_peak)

    def _resident_rows(self) -> list[dict[str, Any]]:
        live = self._catalogue.live
        return [
            {
                "version": resident.version.reference,
                "digest": str(resident.version.digest),
                "round": resident.version.round,
                "requests": resident.requests,
                "aliases": [
                    str(Reference(adapter, alias=alias))
                    for (adapter, alias), version in live.items()
                    if version.engine_name == resident.version.engine_name
                ],
            }
            for resident in self._residency.residents
        ]


def _card(name: str, created: float, **more: Any) -> dict[str, Any]:
    """OpenAI's model object, with what Medley knows of it besides."""
    card = {"id": name, "object": "model", "created": int(created), "owned_by": "medley"}
    return card | {"parent": None, "root": name, "kind": "base"} | more


def _base_row(base: BaseModel) -> dict[str, str]:
    return {"name": base.name, "digest": str(base.base_id)}


def _swap_row(swap: Swap) -> dict[str, Any]:
    return {
        "alias": swap.alias,
        "version": swap.version.reference,
        "previous": swap.previous.reference if swap.previous else None,
        "started": swap.started,
        "phases_s": {phase.value: round(seconds, 4) for phase, seconds in swap.phases.items()},
        "failure": swap.failure,
    }


@lru_cache(maxsize=1)
def _resident_bytes(_second: int) -> dict[str, int]:
    """Memory of this process and of the engine's, which are its children; read once a second."""
    this = psutil.Process()
    engine = 0
    for child in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            engine += child.memory_info().rss
    return {"server_bytes": this.memory_info().rss, "engine_bytes": engine}
