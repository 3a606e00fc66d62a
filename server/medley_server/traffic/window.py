"""What was seen of a side lately."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from medley_server.traffic.agreement import Agreement

MOST_SEEN = 2000
"""Of more requests than these, the newest count: judging takes a fraction of a millisecond."""

_MOST_FIELDS = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that is over.

    Attributes:
        is_failed: the server failed it, before or in the middle of its answer.
        first_s: seconds to the first piece of a stream; None for others.
        whole_s: seconds to the end of an answer that came whole; None for streams.
        agreement: with what the caller got, for a shadow's.
    """

    is_failed: bool = False
    first_s: float | None = None
    whole_s: float | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A window, counted.

    Attributes:
        times: seconds, sorted, of streams (to the first piece) and of answers that came whole.
        agreements: how alike each pair of answers was.
    """

    requests: int
    failed: int
    times: tuple[Sequence[float], Sequence[float]]
    agreements: Sequence[float]

    @property
    def agreement(self) -> float | None:
        """The mean; None where nothing was compared."""
        return fmean(self.agreements) if self.agreements else None


class Window:
    """The requests of the last so many seconds; counts of all there ever were besides."""

    def __init__(self, window_s: float, clock: Callable[[], float]) -> None:
        self._window_s = window_s
        self._clock = clock
        self._seen: deque[tuple[float, Seen]] = deque(maxlen=MOST_SEEN)
        self._fields: dict[str, Counter[bool]] = {}
        self._exact: Counter[bool] = Counter()

    def add(self, seen: Seen) -> None:
        """A request that is over now."""
        self._seen.append((self._clock(), seen))
        if (agreement := seen.agreement) is not None:
            self._exact[agreement.is_exact] += 1
            for name, is_same in agreement.fields:
                if name in self._fields or len(self._fields) < _MOST_FIELDS:
                    self._fields.setdefault(name, Counter())[is_same] += 1

    def tally(self) -> Tally:
        """What counts now."""
        oldest = self._clock() - self._window_s
        while self._seen and self._seen[0][0] < oldest:
            self._seen.popleft()
        seen = [one for _, one in self._seen]
        firsts = sorted(one.first_s for one in seen if one.first_s is not None)
        wholes = sorted(one.whole_s for one in seen if one.whole_s is not None)
        agreements = [one.agreement.score for one in seen if one.agreement is not None]
        failed = sum(one.is_failed for one in seen)
        return Tally(len(seen), failed, (firsts, wholes), agreements)

    def row(self) -> dict[str, Any]:
        """As `GET /health` tells it: numbers, and names of fields, but no value of any."""
        tally = self.tally()
        row: dict[str, Any] = {"requests": tally.requests, "failed": tally.failed}
        for name, times in zip(("first_p95_s", "whole_p95_s"), tally.times, strict=True):
            row[name] = round(percentile_95(times), 4) if times else None
        if tally.agreement is not None:
            row["agreement"] = round(tally.agreement, 4)
            row["exact"] = self._exact[True]
            row["compared"] = self._exact.total()
            row["fields"] = {
                name: round(counts[True] / counts.total(), 4)
                for name, counts in sorted(self._fields.items())
            }
        return row


def percentile_95(ordered: Sequence[float]) -> float:
    """The smallest value that at least 95 of 100 do not exceed."""
    return ordered[-(-len(ordered) * 95 // 100) - 1]
