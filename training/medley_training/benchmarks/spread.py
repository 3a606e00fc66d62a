"""Figures in short: percentiles of many values, and how far a repeated value can be trusted."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import TypeAlias

Spread: TypeAlias = dict[str, float]
Interval: TypeAlias = tuple[float, float]

_DRAWS = 1000
_LEVEL = 0.95
_LEAST_REPEATS = 3
# Student's t at 97.5 %, by degrees of freedom from 1; from the last on it changes little.
# fmt: off
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)
# fmt: on


def spread(values: Sequence[float]) -> Spread:
    """Least, mean, percentiles (interpolated) and greatest of values; empty for none."""
    import numpy as np

    if not values:
        return {}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    found = {"min": min(values), "mean": np.mean(values), "p50": p50, "p95": p95, "p99": p99}
    return {name: float(value) for name, value in (found | {"max": max(values)}).items()}


def interval(
    by_repeat: Sequence[Sequence[float]], *, figure: Callable[[Sequence[float]], float], seed: int
) -> Interval | None:
    """A 95 % confidence interval of a figure that was measured in several repeats.

    With three repeats or more it is Student's, over the figure of each repeat: what differs between
    repeats counts. With fewer, the bootstrap's over all values: it tells of the noise within a
    repeat alone, and is narrower than the truth. None where there is nothing to resample.
    """
    seen = [values for values in by_repeat if values]
    if len(seen) >= _LEAST_REPEATS:
        return _students([figure(values) for values in seen])
    together = [value for values in seen for value in values]
    return _bootstrapped(together, figure=figure, seed=seed) if len(together) > 1 else None


def _students(figures: Sequence[float]) -> Interval:
    count = len(figures)
    mean = sum(figures) / count
    variance = sum((value - mean) ** 2 for value in figures) / (count - 1)
    reach = _T[min(count - 1, len(_T)) - 1] * sqrt(variance / count)
    return mean - reach, mean + reach


def _bootstrapped(
    values: Sequence[float], *, figure: Callable[[Sequence[float]], float], seed: int
) -> Interval:
    import numpy as np

    pick, pool = np.random.default_rng(seed), np.asarray(values)
    drawn = [figure(pick.choice(pool, len(pool)).tolist()) for _ in range(_DRAWS)]
    low, high = np.quantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    import numpy as np

    return float(np.median(values))
