"""Swaps as they are seen from outside: their phases, and how they ended."""

from typing import Protocol

from medley_registry import Version

from medley_server.observing.ledger import Ledger
from medley_server.observing.tracing import Tracing
from medley_server.phases import Phase


class SeenSwap(Protocol):
    """See `medley_server.swap.Swap`."""

    alias: str
    version: Version
    previous: Version | None
    started: float
    phases: dict[Phase, float]
    failure: str | None


class SwapsSeen:
    """Told of each step of every swap."""

    def __init__(self, ledger: Ledger, tracing: Tracing | None) -> None:
        self._ledger = ledger
        self._tracing = tracing

    def __call__(self, swap: SeenSwap) -> None:
        """A phase has ended, or the swap has failed."""
        if swap.failure is not None:
            self._end(swap, has_failed=True)
            return
        *before, (phase, at) = swap.phases.items()
        self._ledger.note_phase(phase.value, at - (before[-1][1] if before else 0.0))
        # What is left after that is the engine's own time to forget the version before.
        if phase is (Phase.LIVE if swap.previous is None else Phase.DRAINED):
            self._end(swap, has_failed=False)

    def _end(self, swap: SeenSwap, *, has_failed: bool) -> None:
        self._ledger.note_swap(has_failed=has_failed)
        if self._tracing is None:
            return
        told = {
            "medley.alias": swap.alias,
            "medley.version": swap.version.reference,
            "medley.digest": str(swap.version.digest),
        }
        if swap.previous is not None:
            told["medley.previous"] = swap.previous.reference
        phases = {phase.value: seconds for phase, seconds in swap.phases.items()}
        self._tracing.note_swap(told, started=swap.started, phases_s=phases, has_failed=has_failed)
