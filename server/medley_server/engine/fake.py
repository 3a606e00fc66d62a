"""An engine without a model, for tests of everything around it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from medley_server.engine.port import EngineFacts, EngineMemory
from medley_server.errors import AdapterUnavailable

FAKE_MEMORY = EngineMemory.of_total(
    weights=100, kv_cache=40, lora_slots=10, activation=5, total=160
)


class FakeEngine:
    """Keeps the contract of `Engine`.

    `refuse` holds names it will not load, `keep` those it will not let go of, `inert` those whose
    weights reach nothing.
    """

    def __init__(
        self,
        *,
        max_loras: int = 4,
        max_lora_rank: int = 16,
        max_held: int | None = None,
        max_num_seqs: int = 64,
    ) -> None:
        self.loaded: dict[str, Path] = {}
        self.refuse: set[str] = set()
        self.keep: set[str] = set()
        self.inert: set[str] = set()
        self.readings = 0
        self.resets = 0
        self.is_healthy = True
        self.facts = EngineFacts(
            engine="fake 0",
            device="cpu",
            dtype="float32",
            max_loras=max_loras,
            max_num_seqs=max_num_seqs,
            max_lora_rank=max_lora_rank,
            lora_modules=None,
            max_held=max_held,
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
        if name in self.keep:
            raise AdapterUnavailable(f"the engine keeps {name}")
        del self.loaded[name]

    async def score(self, name: str | None, prompt: str, answer: str) -> Sequence[float]:
        """See `Engine.score`; a word is a token, and each adapter thinks its own of it."""
        await asyncio.sleep(0)
        if name is not None and name not in self.loaded:
            raise AdapterUnavailable(f"{name} is not loaded")
        model = "" if name is None or name in self.inert else name
        return [
            -(crc32(f"{model}|{prompt}|{word}".encode()) % 1000) / 1000 for word in answer.split()
        ]

    async def memory(self, *, reset_peak: bool = False) -> EngineMemory:
        """See `Engine.memory`; counts the readings, and the resets among them."""
        await asyncio.sleep(0)
        self.readings += 1
        self.resets += reset_peak
        return FAKE_MEMORY
