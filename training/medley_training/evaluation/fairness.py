"""How evenly a metric is spread over the sites."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medley_training.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class Fairness:
    """One metric over the sites, each counting once whatever its size.

    The minimum and the harmonic mean are the measures of "Flow of Knowledge" (arXiv:2510.00543):
    both fall when one site is served badly. For a metric of which less is better, such as the
    loss, the minimum is the best site and ``minimum + gap`` the worst.

    Attributes:
        gap: The largest value less the smallest.
    """

    mean: float
    minimum: float
    harmonic_mean: float
    gap: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Fairness":
        """The fairness of one metric's values, one per site.

        Raises:
            ValueError: There is no value, or one is negative.
        """
        values = list(values)
        if not values or min(values) < 0:
            raise ValueError(f"fairness needs values that are not negative, one per site: {values}")
        return cls(
            mean=statistics.fmean(values),
            minimum=min(values),
            harmonic_mean=statistics.harmonic_mean(values),
            gap=max(values) - min(values),
        )


def fairness(scores: Mapping[str, Scores]) -> dict[str, Fairness]:
    """The fairness of every metric that each of the sites has, by its name."""
    found = [each.metrics() for each in scores.values()]
    shared = set.intersection(*(set(metrics) for metrics in found)) if found else set()
    return {name: Fairness.of(metrics[name] for metrics in found) for name in sorted(shared)}
