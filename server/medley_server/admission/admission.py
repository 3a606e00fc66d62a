"""Waiting for a turn: patience, room in the queue, and when to come back."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from medley_server.admission.dealer import Dealer
from medley_server.admission.flow import Flow, Turn
from medley_server.admission.settings import AdmissionSettings
from medley_server.errors import QueueFull, WaitedTooLong

_REMEMBERED = 64
_UNKNOWN_S = 5
_LONGEST_AWAY_S = 60

OnWait = Callable[[str, float], None]
"""Told of each turn that was granted: the label of whose it was, and the seconds it waited."""


def _unheard(_label: str, _seconds: float) -> None:
    """Nobody listens."""


class Admission:
    """The door to the engine; one per server, and of one event loop.

    Attributes:
        on_wait: told of every turn that is granted.
    """

    def __init__(
        self,
        settings: AdmissionSettings,
        *,
        slots: int,
        seats: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Deals what an engine has: see `Dealer`."""
        self._settings = settings
        self._clock = clock
        self._dealer = Dealer(slots=slots, seats=seats, ageing_s=settings.ageing_s, clock=clock)
        self._waiters: dict[Turn, asyncio.Future[QueueFull | None]] = {}
        self._granted: deque[float] = deque(maxlen=_REMEMBERED)
        self.on_wait: OnWait = _unheard

    @asynccontextmanager
    async def turn(
        self, name: str | None, label: str, *, seats: int = 1, is_owed: bool = False
    ) -> AsyncIterator[None]:
        """Waits for a turn, and has it until left; how long at most, `Dealer` says.

        Where the queue is full, the newest request of the longest queue goes, which may be
        this one: so the flood of one adapter takes no other's place in it.

        Args:
            name: the engine's name of the adapter; None for the base.
            label: what people call it.
            seats: sequences it will have in the engine at once.
            is_owed: of work that was accepted already; it is not sent away for waiting.

        Raises:
            QueueFull: too many wait.
            WaitedTooLong: its turn did not come in time.
        """
        turn = self._dealer.ask(name, label, seats=seats, is_owed=is_owed)
        try:
            if turn.granted_at is None:
                await self._wait(turn)
            self._note(turn)
            yield
        finally:
            self._dealer.end(turn)

    async def _wait(self, turn: Turn) -> None:
        waiter = self._waiters[turn] = asyncio.get_running_loop().create_future()
        turn.on_grant = lambda: None if waiter.done() else waiter.set_result(None)
        patience = None if turn.is_owed else self._settings.patience_s
        try:
            if self._dealer.waiting > self._settings.most_waiting:
                self._send_one_away()
            async with asyncio.timeout(patience):
                refused = await waiter
        except TimeoutError:
            raise WaitedTooLong(
                f"{turn.flow.label} was too busy for {patience:g} s; try again later.",
                wait_s=self._away_s(),
            ) from None
        finally:
            del self._waiters[turn]
        if refused is not None:
            raise refused

    def _send_one_away(self) -> None:
        """The newest of the longest queue, for it would have waited longest."""
        longest = max(self._dealer.flows, key=lambda flow: flow.refusable)
        newest = next((turn for turn in reversed(longest.waiting) if not turn.is_owed), None)
        if newest is None:
            return
        refusal = QueueFull(
            f"{self._dealer.waiting - 1} requests wait already, most of them for "
            f"{longest.label}; try again later.",
            wait_s=self._away_s(),
        )
        self._dealer.end(newest)
        if not (waiter := self._waiters[newest]).done():  # its caller may just have left
            waiter.set_result(refusal)

    def _note(self, turn: Turn) -> None:
        assert turn.granted_at is not None
        self._granted.append(turn.granted_at)
        self.on_wait(turn.flow.label, turn.granted_at - turn.asked_at)

    def _away_s(self) -> int:
        """When to come back: what waits now, at the pace of the last turns granted."""
        if len(self._granted) < 2:
            return _UNKNOWN_S
        each = (self._clock() - self._granted[0]) / len(self._granted)
        return max(1, min(_LONGEST_AWAY_S, math.ceil(each * self._dealer.waiting)))

    @property
    def seats(self) -> int:
        """Sequences that the engine generates side by side."""
        return self._dealer.seats

    @property
    def row(self) -> dict[str, Any]:
        """The door as `GET /health` tells it."""
        dealer, now = self._dealer, self._clock()
        flows = dealer.flows
        return {
            "slots": dealer.slots,
            "slots_used": sum(flow.has_slot for flow in flows),
            "sequences": dealer.seats,
            "sequences_taken": dealer.seats_taken,
            "running": sum(flow.running for flow in flows),
            "waiting": dealer.waiting,
            "most_waiting": self._settings.most_waiting,
            "patience_s": self._settings.patience_s,
            "queues": [_flow_row(flow, now) for flow in flows],
        }


def _flow_row(flow: Flow, now: float) -> dict[str, Any]:
    oldest = now - flow.waiting[0].asked_at if flow.waiting else 0.0
    return {
        "model": flow.label,
        "has_slot": flow.has_slot,
        "running": flow.running,
        "waiting": len(flow.waiting),
        "waited_s": round(oldest, 3),
    }
