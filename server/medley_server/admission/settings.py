"""What `medley serve` is told about waiting for the engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionSettings:
    """Bounds of the queue before the engine.

    Attributes:
        most_waiting: requests that may wait for their turn, of all adapters together.
        patience_s: how long one waits before it is refused.
        ageing_s: how long an adapter without a slot waits before another must make room.
    """

    most_waiting: int = 1024
    patience_s: float = 120.0
    ageing_s: float = 2.0
