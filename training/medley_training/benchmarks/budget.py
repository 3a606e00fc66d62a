"""The least that an engine needs to hold a load: what it is given, and no more.

vLLM fills what memory it gets with KV cache, so that any two variants take the same. Given just the
blocks that the load needs, the memory it takes *is* the smallest budget, which the count of
preemptions verifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from medley_training.benchmarks.load import Load

_CPU_BLOCK, _CUDA_BLOCK = 128, 16
"""Tokens in a block of KV cache, as vLLM has it for either device."""
_OWN_BLOCKS = 1
"""vLLM keeps one for itself."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one engine gets.

    Attributes:
        kv_bytes: of KV cache.
        tokens: longest request.
        requests: in flight at most.
    """

    kv_bytes: int
    tokens: int
    requests: int

    @classmethod
    def of(cls, loads: Sequence[Load], *, kv_bytes_per_token: int, device: str) -> "Budget":
        """For the largest of the loads."""
        block = _CUDA_BLOCK if device == "cuda" else _CPU_BLOCK
        requests = max(load.concurrency for load in loads)
        blocks_each = max(-(-load.total_tokens // block) for load in loads)
        blocks = requests * blocks_each + _OWN_BLOCKS
        return cls(blocks * block * kv_bytes_per_token, blocks_each * block, requests)

    def flags(self, *, uses_prefix_cache: bool) -> list[str]:
        """As vLLM takes them."""
        caching = "--enable-prefix-caching" if uses_prefix_cache else "--no-enable-prefix-caching"
        return [
            *("--kv-cache-memory-bytes", str(self.kv_bytes)),
            *("--max-model-len", str(self.tokens)),
            *("--max-num-seqs", str(self.requests)),
            caching,
        ]
