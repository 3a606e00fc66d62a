"""Histograms that cost next to nothing to fill."""

from bisect import bisect_left
from collections.abc import Iterable

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Bounds for waits of people."""

TOKEN_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0)
"""Bounds for what passes between two tokens."""


class Buckets:
    """How many values fell under each bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, values: Iterable[float]) -> None:
        """Counts some."""
        for value in values:
            self._counts[bisect_left(self._bounds, value)] += 1
            self.total += value

    @property
    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus has them: each bound with all that lie at or below it."""
        told: list[tuple[str, float]] = []
        seen = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            seen += count
            told.append((bound, seen))
        return told
