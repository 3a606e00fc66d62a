"""Who may work, who waits for his turn, and who is sent away."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import fmean

from medley_server.document_errors import TurnsTaken

_REMEMBERED = 32
_UNKNOWN_S = 10.0
_LONGEST_WAIT_S = 600
_LONGEST_LOOK_S = 5


class Place:
    """A place in the line, given back once by `leave`."""

    def __init__(self, turns: "Turns") -> None:
        self._turns = turns
        self._is_left = False
        self.waited_s = 0.0
        """How long it took until its turn came."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until it may work, then works; in the order of the line."""
        came = time.monotonic()
        async with self._turns.free:
            began = time.monotonic()
            self.waited_s = began - came
            self._turns.running += 1
            try:
                yield
            finally:
                self._turns.running -= 1
                self._turns.durations.append(time.monotonic() - began)

    def leave(self) -> None:
        """Makes room for another; a second time it does nothing."""
        if not self._is_left:
            self._is_left = True
            self._turns.places -= 1


class Turns:
    """A bounded line; belongs to one event loop.

    Attributes:
        places: How many run or wait.
        running: How many run.
        durations: How long the last ones took, in seconds.
    """

    def __init__(self, *, running: int, waiting: int) -> None:
        """So many may run at a time, and so many wait besides."""
        self._most_running = running
        self._most = running + waiting
        self.free = asyncio.Semaphore(running)
        self.places = 0
        self.running = 0
        self.durations: deque[float] = deque(maxlen=_REMEMBERED)

    def enter(self, *, is_owed: bool = False) -> Place:
        """A place at the end of the line; one that was promised before is given in any case.

        Raises:
            TurnsTaken: as many wait as may.
        """
        if not is_owed:
            self.check_room()
        self.places += 1
        return Place(self)

    def check_room(self) -> None:
        """Whether a place would be given now; before a body is read for nothing.

        Raises:
            TurnsTaken: as many wait as may.
        """
        if self.places >= self._most:
            raise TurnsTaken(
                f"{self.places - self.running} documents wait already; try again later.",
                wait_s=self.wait_s,
            )

    @property
    def wait_s(self) -> int:
        """When to come back: the recent pace, times the work that is waiting."""
        each = fmean(self.durations) if self.durations else _UNKNOWN_S
        ahead = max(1, self.places - self._most_running + 1)
        return max(1, min(_LONGEST_WAIT_S, math.ceil(each * ahead / self._most_running)))

    @property
    def look_again_s(self) -> int:
        """When to ask about a job again: soon, for it may be quicker than those before it."""
        return min(_LONGEST_LOOK_S, self.wait_s)

    @property
    def row(self) -> dict[str, int]:
        """The line as `GET /health` tells it."""
        return {
            "running": self.running,
            "waiting": self.places - self.running,
            "most_running": self._most_running,
            "most_waiting": self._most - self._most_running,
        }
