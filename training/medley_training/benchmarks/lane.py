"""What takes turns under the load: one variant in one engine, with or without LoRA."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from medley_registry.variants import VariantKind

from medley_training.benchmarks.condition import Condition
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.turn import Turn


class Engine(StrEnum):
    """What computes: vLLM behind `medley serve`, or transformers with PEFT and bitsandbytes."""

    VLLM = "vllm"
    TRANSFORMERS = "transformers"


@dataclass(frozen=True, slots=True)
class LaneName:
    """Which one it is."""

    engine: Engine
    variant: VariantKind
    has_lora: bool

    def __str__(self) -> str:
        return f"{self.engine}-{self.variant}-{'lora' if self.has_lora else 'plain'}"

    def takes(self, condition: Condition) -> bool:
        """Whether that condition is measured here; transformers has no slots that could be idle."""
        if self.engine is Engine.TRANSFORMERS and condition.has_lora and not condition.adapters:
            return False
        return condition.has_lora == self.has_lora


class Lane(Protocol):
    """One that is up."""

    @property
    def name(self) -> LaneName:
        """Which one it is."""

    @property
    def load_s(self) -> float:
        """From the start of its process until it could answer."""

    def run(self, condition: Condition, load: Load, repeat: int) -> Turn:
        """Answers the load once.

        Raises:
            NotMeasured: it is gone, or does not tell what it should.
        """
