"""How fast a decode step could be at best on this machine."""

from dataclasses import dataclass

from medley_training.benchmarks.base_bytes import BaseBytes
from medley_training.benchmarks.load import Load


@dataclass(frozen=True, slots=True)
class MachineSpeed:
    """What the machine does in one second when it does nothing else, as measured here.

    Attributes:
        device: ``cpu`` or ``cuda``.
        bandwidth_bytes_per_s: of its memory.
        flops: floating-point operations in bfloat16.
    """

    device: str
    bandwidth_bytes_per_s: float
    flops: float


@dataclass(frozen=True, slots=True)
class Step:
    """One decode step: a token for each request in flight.

    Attributes:
        base: the form that is served.
        batch: requests in flight.
        context_tokens: of each request, prompt and answer so far.
        lora_bytes: of the different adapters in the batch.
    """

    base: BaseBytes
    batch: float
    context_tokens: float
    lora_bytes: int = 0

    @classmethod
    def of(cls, load: Load, base: BaseBytes, *, batch: float, lora_bytes: list[int]) -> "Step":
        """A step half-way through the answers of a load, asked of adapters of these sizes."""
        distinct = min(len(lora_bytes), max(1, round(batch)))
        read = sum(sorted(lora_bytes)[:distinct])  # which of them is open: the least there can be
        return cls(base, batch, load.input_tokens + load.output_tokens / 2, read)

    @property
    def bytes_read(self) -> float:
        """Weights once, each adapter once, and every request's own keys and values."""
        kv = self.batch * self.context_tokens * self.base.kv_bytes_per_token
        return self.base.read_bytes + self.lora_bytes + kv

    @property
    def operations(self) -> float:
        """A multiplication and an addition for each parameter and request."""
        return 2 * self.base.linear_parameters * self.batch

    def floor_ms(self, machine: MachineSpeed) -> float:
        """Reading and computing may overlap: the slower of the two."""
        reading = self.bytes_read / machine.bandwidth_bytes_per_s
        return 1000 * max(reading, self.operations / machine.flops)

    @property
    def lora_share(self) -> float:
        """Bytes with adapters over bytes without: what adapters would cost at best."""
        return self.bytes_read / (self.bytes_read - self.lora_bytes)
