"""An engine without a model, for tests of everything around it."""

import asyncio
from pathlib import Path

from medley_server.engine.port import EngineFacts, EngineMemory
from medley_server.errors import AdapterUnavailable

FAKE_MEMORY = EngineMemory.of_total(
    weights=100, kv_cache=40, lora_slots=10, activation=5, total=160
)


class FakeEngine:
    """Keeps the contract of `Engine`; `refuse` holds names it will not load."""

    def __init__(self, *, max_loras: int = 4, max_lora_rank: int = 16) -> None:
        self.loaded: dict[str, Path] = {}
        self.refuse: set[str] = set()
        self.readings = 0
        self.resets = 0
        self.is_healthy = True
        self.facts = EngineFacts(
            engine="fake 0",
            device="cpu",
            dtype="float32",
            max_loras=max_loras,
            max_lora_rank=max_lora_rank,
            lora_modules=None,
            kv_cache_bytes=None,
            kernel="FakeKernel",
            kv_cache_tokens=512,
            load_s=0.5,
        )

    async def load(self, name: str, folder: Path) -> None:
        """See `Engine.load`; refuses a folder without weights, as vLLM does."""
        await asyncio.sleep(0)
        if name in self.refuse:
            raise AdapterUnavailable(f"the engine refused {name}")
        if not (folder / "adapter_model.safetensors").is_file():
            raise AdapterUnavailable(f"no weights in {folder}")
        self.loaded[name] = folder

    async def unload(self, name: str) -> None:
        """See `Engine.unload`."""
        await asyncio.sleep(0)
        del self.loaded[name]

    async def memory(self, *, reset_peak: bool = False) -> EngineMemory:
        """See `Engine.memory`; counts the readings, and the resets among them."""
        await asyncio.sleep(0)
        self.readings += 1
        self.resets += reset_peak
        return FAKE_MEMORY
