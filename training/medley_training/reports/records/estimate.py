"""A number from evidence with its interval, and how such numbers are named in evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

_LOW, _HIGH = "/ci_low", "/ci_high"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric's value; `low` and `high` are None where no interval was recorded."""

    value: float
    low: float | None = None
    high: float | None = None


def estimates(metrics: Mapping[str, float]) -> dict[str, Estimate]:
    """Metrics with their intervals joined to them; half an interval stays a metric of its own."""
    whole = {name for name in metrics if {name + _LOW, name + _HIGH} <= metrics.keys()}
    ends = {name + end for name in whole for end in (_LOW, _HIGH)}
    return {
        name: Estimate(
            value,
            metrics[name + _LOW] if name in whole else None,
            metrics[name + _HIGH] if name in whole else None,
        )
        for name, value in metrics.items()
        if name not in ends
    }
