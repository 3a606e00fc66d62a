"""An engine in virtual time, behind the dealer: turns run for as long as they are said to."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from medley_server.admission import Dealer, Turn


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: when it comes, for which adapter (None: the base), and how long it runs.

    `leaves_after` is when its caller leaves, waiting or not; None: never.
    """

    at: float
    name: str | None
    runs: float = 1.0
    seats: int = 1
    leaves_after: float | None = None


@dataclass(slots=True)
class Seen:
    """What became of a request; `oldest_at` is when it was first of its adapter's queue."""

    ask: Ask
    turn: Turn
    oldest_at: float | None = None

    @property
    def waited(self) -> float:
        assert self.turn.granted_at is not None
        return self.turn.granted_at - self.turn.asked_at

    @property
    def waited_as_oldest(self) -> float:
        assert self.turn.granted_at is not None
        return 0.0 if self.oldest_at is None else self.turn.granted_at - self.oldest_at


class Simulation:
    """Runs requests to the end, and looks at the dealer after each thing that happens."""

    def __init__(
        self,
        *,
        slots: int,
        seats: int,
        ageing_s: float = 2.0,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.now = 0.0
        self.dealer = Dealer(slots=slots, seats=seats, ageing_s=ageing_s, clock=lambda: self.now)
        self.seen: list[Seen] = []
        self.granted: list[Seen] = []
        self.running: dict[Turn, Seen] = {}
        self._queues: dict[str | None, deque[Seen]] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._look = look

    def run(self, asks: Sequence[Ask], *, until: float = float("inf")) -> list[Seen]:
        for ask in asks:
            self.at(ask.at, partial(self._come, ask))
        while self._events and self._events[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
            self._note()
            self._look()
        return self.seen

    def at(self, when: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._number), happen))

    def _come(self, ask: Ask) -> None:
        turn = self.dealer.ask(ask.name, ask.name or "base", seats=ask.seats)
        one = Seen(ask, turn)
        self.seen.append(one)
        self._queues.setdefault(ask.name, deque()).append(one)
        if ask.leaves_after is not None:
            self.at(self.now + ask.leaves_after, partial(self._end, one))

    def _end(self, one: Seen) -> None:
        self.running.pop(one.turn, None)
        self.dealer.end(one.turn)

    def _note(self) -> None:
        """What was granted runs; who leads a queue is written down."""
        for queue in self._queues.values():
            for one in [one for one in queue if one.turn.granted_at is not None]:
                queue.remove(one)
                self.granted.append(one)
                if not one.turn.is_ended:
                    self.running[one.turn] = one
                    self.at(self.now + one.ask.runs, partial(self._end, one))
            while queue and queue[0].turn.is_ended:
                queue.popleft()
            if queue and queue[0].oldest_at is None:
                queue[0].oldest_at = self.now
