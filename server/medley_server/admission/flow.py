"""The requests of one adapter, or of the base: those that wait, and those that run."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


def _nobody() -> None:
    """Nobody waits for it."""


@dataclass(slots=True, eq=False)
class Turn:
    """One request's right to be with the engine: asked for, then granted, then ended.

    Attributes:
        flow: whose it is.
        seats: sequences it may have in the engine at once.
        asked_at: by the dealer's clock.
        granted_at: None while it waits.
        is_owed: whether it waits as long as it takes, whatever the queue.
        is_ended: whether it was taken back.
        on_grant: called once, when its time has come.
    """

    flow: "Flow"
    seats: int
    asked_at: float
    granted_at: float | None = None
    is_owed: bool = False
    is_ended: bool = False
    on_grant: Callable[[], None] = _nobody


@dataclass(slots=True, eq=False)
class Flow:
    """What is asked of one adapter; there is one for as long as it has turns.

    Attributes:
        name: the engine's name of the adapter; None for the base, which needs no slot.
        label: what people call it.
        order: grows with each grant; of equals, the one whose is lowest is next.
        waiting: turns that wait, in the order they were asked for.
        running: turns that were granted and have not ended.
        seats: sequences that the running turns may have.
        has_slot: whether its adapter may be in the batch.
        since: since when it has its slot, or stands in line for one.
        is_served: whether it was granted a turn on this slot.
        is_closed: whether its slot is promised to another, so that nothing new is granted.
    """

    name: str | None
    label: str
    order: int
    waiting: deque[Turn] = field(default_factory=deque)
    running: int = 0
    seats: int = 0
    has_slot: bool = False
    since: float = 0.0
    is_served: bool = False
    is_closed: bool = False

    @property
    def may_run(self) -> bool:
        """Whether a turn of it could be granted, if there are seats."""
        is_open = self.name is None or (self.has_slot and not self.is_closed)
        return is_open and bool(self.waiting)

    @property
    def refusable(self) -> int:
        """How many of those that wait may be sent away."""
        return sum(not turn.is_owed for turn in self.waiting)
