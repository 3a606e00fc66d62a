"""What the rest of the server needs of an engine, and nothing of vLLM."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What was built; fixed while the server runs.

    Attributes:
        engine: product and version, "vllm 0.32.0".
        device: "cpu" or "cuda".
        dtype: of weights and activations, "bfloat16".
        max_loras: adapters that can be in one batch.
        max_lora_rank: the highest rank a slot holds.
        lora_modules: last name parts of the modules that have slots; None means all.
        kv_cache_bytes: memory set aside for the KV cache; None where the engine does not say.
    """

    engine: str
    device: str
    dtype: str
    max_loras: int
    max_lora_rank: int
    lora_modules: tuple[str, ...] | None
    kv_cache_bytes: int | None


class Engine(Protocol):
    """Holds the base model and some adapters, by names that are never reused."""

    @property
    def facts(self) -> EngineFacts:
        """What was built."""

    @property
    def is_healthy(self) -> bool:
        """False once the engine has died; it does not come back."""

    async def load(self, name: str, folder: Path) -> None:
        """Makes requests for model `name` answered with the adapter in `folder`.

        Raises:
            AdapterUnavailable: the engine refused it; nothing changed.
        """

    async def unload(self, name: str) -> None:
        """Forgets the adapter and frees its slot. The caller has drained it."""
