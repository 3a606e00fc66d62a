"""How many adapter slots the engine is built with, and of what size; taken from the registry.

A slot costs memory and time for the highest rank on every module it covers, whether used or not
(vllm#22782), so slots are made for what the registered adapters need.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from medley_registry import Version

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks vLLM builds slots for."""

DEFAULT_IN_ONE_BATCH = 4


@dataclass(frozen=True, slots=True)
class Slots:
    """The engine's LoRA slots.

    Attributes:
        in_one_batch: different adapters that can be answered in one step; 0 for an engine without
            slots.
        rank: the highest rank a slot holds.
        modules: last name parts of the modules covered; empty covers all.
    """

    in_one_batch: int
    rank: int
    modules: tuple[str, ...]

    @classmethod
    def sized_for(cls, versions: Iterable[Version], in_one_batch: int | None = None) -> "Slots":
        """Slots that hold each of `versions`; for none of them, rank 16 on every module."""
        known = list(versions)
        needed = max((version.rank for version in known), default=16)
        modules = {module for version in known for module in version.target_modules}
        return cls(
            in_one_batch=DEFAULT_IN_ONE_BATCH if in_one_batch is None else in_one_batch,
            rank=next((rank for rank in RANKS if rank >= needed), RANKS[-1]),
            modules=tuple(sorted(modules)),
        )
