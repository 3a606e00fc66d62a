"""A rate that is kept over time and lets short bursts pass."""

import math
from collections.abc import Callable


class TokenBucket:
    """Fills evenly, to one minute's worth at most; starts full.

    A bucket, and not a count per calendar minute: such a count lets twice the rate through around
    the turn of the minute and then refuses all until the next; and not a log of the minute past,
    which grows with the rate. A bucket is two numbers, and knows exactly when to come back.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._level = float(per_minute)
        self._at = clock()

    def wait_s(self, amount: float) -> int:
        """Whole seconds until `amount` can be taken; 0: now.

        More than the bucket holds can be taken from a full one: it is owed then.
        """
        missing = min(amount, self._per_minute) - self._now()
        # What the clock's floats lose is no wait: who comes back as told must be let in.
        return max(0, math.ceil(round(missing * 60 / self._per_minute, 6)))

    def take(self, amount: float) -> None:
        """Takes out, whatever is there; of less than nothing, puts back."""
        self._level = min(self._now() - amount, float(self._per_minute))

    def _now(self) -> float:
        now = self._clock()
        filled = self._level + (now - self._at) * self._per_minute / 60
        self._level, self._at = min(float(self._per_minute), filled), now
        return self._level
