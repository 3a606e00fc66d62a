"""`GET /benchmark`: what the engine is and holds now, and what was measured of the versions."""

import asyncio
import time
from typing import Any

from medley_registry import Digest, Evidence, EvidenceKind, Registry, RegistryError
from medley_registry.benchmark_rows import benchmark_rows

from medley_server.catalogue import Catalogue
from medley_server.engine.port import Engine, EngineMemory
from medley_server.errors import RegistryAway

FRESH_S = 1.0
"""For how long the engine's answer is given again: its workers answer it instead of requests."""


class BenchmarkPage:
    """Puts the answer together, anew for each request."""

    def __init__(self, registry: Registry, catalogue: Catalogue, engine: Engine) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._engine = engine
        self._asking = asyncio.Lock()
        self._memory: EngineMemory | None = None
        self._read_at = float("-inf")

    async def read(self, *, reset_peak: bool) -> dict[str, Any]:
        """The answer's body; with `reset_peak`, the peak of memory counts anew from now on.

        Raises:
            RegistryAway: what was measured cannot be read now.
        """
        facts = self._engine.facts
        memory = await self._memory_now(reset_peak=reset_peak)
        return {
            "base": self._catalogue.base.name,
            "variant": self._catalogue.base.variant.value,
            "quantization": facts.quantization,
            "engine": facts.engine,
            "device": facts.device,
            "dtype": facts.dtype,
            "kernel": facts.kernel,
            "environment": dict(facts.environment),
            "slots": {"in_one_batch": facts.max_loras, "rank": facts.max_lora_rank},
            "memory_bytes": _memory_row(memory),
            "kv_cache_tokens": facts.kv_cache_tokens,
            "load_s": facts.load_s,
            "rows": await asyncio.to_thread(self._rows),
        }

    async def _memory_now(self, *, reset_peak: bool) -> EngineMemory:
        """The engine is asked once a second at most, and always for a reset and after one."""
        async with self._asking:
            is_fresh = time.monotonic() - self._read_at < FRESH_S
            if self._memory is None or reset_peak or not is_fresh:
                self._memory = await self._engine.memory(reset_peak=reset_peak)
                self._read_at = float("-inf") if reset_peak else time.monotonic()
            return self._memory

    def _rows(self) -> list[dict[str, Any]]:
        try:
            return [row for evidence in self._latest() for row in benchmark_rows(evidence)]
        except RegistryError as error:
            raise RegistryAway("What was measured cannot be looked up now.") from error

    def _latest(self) -> list[Evidence]:
        """The newest benchmark of each suite and load, for each version as it is served here."""
        found: dict[tuple[str, str, Digest], Evidence] = {}
        for version in self._catalogue.versions:
            variant = self._catalogue.base.variant_of(version)
            for evidence in self._registry.evidence.of(version.adapter, version.number):
                if evidence.kind is EvidenceKind.BENCHMARK and evidence.variant is variant:
                    found[version.reference, evidence.suite, evidence.suite_digest] = evidence
        return list(found.values())


def _memory_row(memory: EngineMemory) -> dict[str, int | None]:
    return {
        "weights": memory.weights,
        "kv_cache": memory.kv_cache,
        "lora_slots": memory.lora_slots,
        "activation": memory.activation,
        "other": memory.other,
        "total": memory.total,
    }
