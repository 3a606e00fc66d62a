"""What the rest of the server needs of an engine, and nothing of vLLM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What was built; fixed while the server runs.

    Attributes:
        engine: product and version, "vllm 0.32.0".
        device: "cpu" or "cuda".
        dtype: of activations and of weights that are not quantized, "bfloat16".
        max_loras: adapters that can be in one batch; 0 where there are no slots.
        max_num_seqs: sequences that can be in one batch.
        max_lora_rank: the highest rank a slot holds.
        lora_modules: last name parts of the modules that have slots; None means all.
        max_held: adapters that the engine holds at a time, in a batch or not; of more, it would
            drop one and read its files again at need. None where it knows no such limit.
        is_lora_blind: whether slots leave out the part of a vision-language base that sees.
        kv_cache_bytes: memory set aside for the KV cache; None where the engine does not say.
        quantization: the engine's name for how weights are quantized; None where they are not.
        kernel: the class that multiplies with the weights of a linear layer.
        kv_cache_tokens: how many tokens the KV cache holds.
        load_s: seconds from the start of the engine until it was ready.
        environment: variables that change what the engine computes or how fast, where set.
    """

    engine: str
    device: str
    dtype: str
    max_loras: int
    max_lora_rank: int
    lora_modules: tuple[str, ...] | None
    kv_cache_bytes: int | None
    max_num_seqs: int
    is_lora_blind: bool = False
    max_held: int | None = None
    quantization: str | None = None
    kernel: str | None = None
    kv_cache_tokens: int | None = None
    load_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMemory:
    """Bytes that the engine holds, by what they are for; the parts add up to the total.

    Attributes:
        weights: of the base, as they lie in memory, packed or quantized.
        kv_cache: set aside for keys and values, used or not.
        lora_slots: set aside for adapters, used or not.
        activation: what requests took at most, at one time, since the peak was last reset; None
            where the system does not tell.
        other: the rest: code, buffers, adapters held outside the slots.
        total: all of it, at the peak.
    """

    weights: int
    kv_cache: int
    lora_slots: int
    activation: int | None
    other: int
    total: int

    @classmethod
    def of_total(
        cls, *, weights: int, kv_cache: int, lora_slots: int, activation: int | None, total: int
    ) -> "EngineMemory":
        """What is left of the total is `other`."""
        known = weights + kv_cache + lora_slots + (activation or 0)
        return cls(
            weights=weights,
            kv_cache=kv_cache,
            lora_slots=lora_slots,
            activation=activation,
            other=total - known,
            total=total,
        )


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
        """Forgets the adapter and frees its place. The caller has drained it.

        May be called again for one that would not go.

        Raises:
            AdapterUnavailable: the engine still holds it.
        """

    async def score(self, name: str | None, prompt: str, answer: str) -> Sequence[float]:
        """The log-probability of each token of `answer` after `prompt`; nothing is generated.

        Args:
            name: an adapter that is loaded; None for the base alone.
            prompt: text as it stands: no chat template, no tokens added.
            answer: the same; tokenized by itself.

        Raises:
            AdapterUnavailable: the engine cannot score it, such as text beyond its context.
        """

    async def memory(self, *, reset_peak: bool = False) -> EngineMemory:
        """What the engine holds now, and its peak.

        Args:
            reset_peak: from now on the peak counts anew; the answer tells of before.
        """
