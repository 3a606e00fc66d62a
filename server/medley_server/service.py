"""One server: the base model, the adapters live on it, and the follower that keeps them current."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import lru_cache
from typing import Any

import psutil
from medley_registry import DEFAULT_ALIAS, BaseModel, Reference, Registry, Version
from medley_registry.services.access import Access

from medley_server.benchmark_page import BenchmarkPage
from medley_server.catalogue import Catalogue
from medley_server.engine.port import Engine
from medley_server.errors import ModelNotFound
from medley_server.residency import Residency
from medley_server.served_base import ServedBase
from medley_server.settings import ServeSettings
from medley_server.swap import Follower, Swap


class Service:
    """What the gateway serves; built once per process."""

    def __init__(
        self, registry: Registry, base: ServedBase, engine: Engine, settings: ServeSettings
    ) -> None:
        """Wires the parts; nothing runs until `running` is entered."""
        self._engine = engine
        self._tenant = settings.tenant
        self.access: Access = registry.access
        """Who may call."""
        self.is_local = settings.is_local
        """Whether only this machine can reach the server."""
        self._catalogue = Catalogue(registry, base)
        self._residency = Residency(
            registry, base, engine, cache=settings.cache, capacity=settings.resident
        )
        self._follower = Follower(registry, self._catalogue, self._residency)
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

    def lease(self, version: Version) -> AbstractAsyncContextManager[None]:
        """See `Residency.lease`."""
        return self._residency.lease(version)

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
            "slots": {"in_one_batch": facts.max_loras, "rank": facts.max_lora_rank},
            "resident": self._resident_rows(),
            "registry": {"head": self._follower.head, "failure": self._follower.failure}
            | ({"tenant": self._tenant} if self._tenant else {}),
            "swaps": [_swap_row(swap) for swap in self._follower.swaps.values()],
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
