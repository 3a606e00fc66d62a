"""Whether one version is not worse than another, from the same items answered by both.

The bootstrap resamples clusters, not items: several fields of a document, or documents of a
patient, err together (arXiv:2411.00640). Sites are strata: each keeps its weight. Of a site's n
clusters n - 1 are drawn, without which few clusters would look more certain than they are
(McCarthy and Snowden 1985, "The bootstrap and finite population sampling").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_registry.item_scores import Item
from medley_registry.policies import Better, Comparison, Over

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

DRAWS = 10_000
FEWEST_CLUSTERS = 8
"""Below this, resampling says little about what other documents would have shown."""

_CLUSTERS_AT_ONCE = 4_000_000
_MOST_DRAWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Compared:
    """One test's outcome.

    Attributes:
        site: Empty where all sites count together.
        difference: Of the candidate from the baseline; positive is better, whatever the metric.
        lower_bound: The quantile of the drawn differences at the policy's significance.
        p_value: The share of draws, itself counted, in which the candidate is worse by the margin.
        clusters: How many were resampled.
    """

    site: str
    candidate: float
    baseline: float
    difference: float
    lower_bound: float
    p_value: float
    clusters: int


@dataclass(frozen=True, slots=True)
class _Site:
    """One site's clusters: [clusters, 4], sums and counts of the candidate and of the baseline."""

    name: str
    tallies: "NDArray[float64]"


def compare(
    comparison: Comparison,
    pairs: Sequence[tuple[Item, Item]],
    *,
    significance: float,
    random: "Generator",
) -> list[Compared]:
    """Test the candidate (first of each pair) against the baseline.

    Raises:
        ValueError: nothing, or not the same, was counted; a site has too few clusters; or the
            metric has values that cannot be compared so.
    """
    import numpy as np

    sites = _sites(comparison.metric, pairs)
    observed = _values(comparison, [site.tallies.sum(axis=0, keepdims=True) for site in sites])[0]
    _check(comparison, sites, observed)
    at_once = draws_at_once(max(len(site.tallies) for site in sites))
    drawn = [
        _values(comparison, [resampled(site.tallies, random, at_once) for site in sites])
        for _ in range(-(-DRAWS // at_once))
    ]
    draws = np.concatenate(drawn)[:DRAWS]  # [draws, tests, 2]
    names = [site.name for site in sites] if comparison.over is Over.EACH_SITE else [""]
    counts = [len(site.tallies) for site in sites]
    sign = 1.0 if comparison.better is Better.HIGHER else -1.0
    return [
        _tested(
            name,
            observed[index],
            sign * (draws[:, index, 0] - draws[:, index, 1]),
            sign=sign,
            margin=comparison.margin,
            significance=significance,
            clusters=counts[index] if comparison.over is Over.EACH_SITE else sum(counts),
        )
        for index, name in enumerate(names)
    ]


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (1979): all below a level hold together at that level."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    found = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        found[index] = highest
    return found


def _check(comparison: Comparison, sites: Sequence[_Site], observed: "NDArray[float64]") -> None:
    import numpy as np

    if comparison.over is Over.HARMONIC_MEAN and any(
        site.tallies.sum(axis=0).min() < 0 for site in sites
    ):
        raise ValueError("a harmonic mean needs values that are not negative")
    if not np.isfinite(observed).all() or np.abs(observed).max() > 1e100:
        raise ValueError(f"{comparison.metric} has no finite value")


def _tested(
    site: str,
    observed: "NDArray[float64]",
    differences: "NDArray[float64]",
    *,
    sign: float,
    margin: float,
    significance: float,
    clusters: int,
) -> Compared:
    import numpy as np

    # A draw in which nothing was counted says nothing for the candidate.
    differences = np.where(np.isfinite(differences), differences, -np.inf)
    worse = int((differences <= -margin).sum())
    candidate, baseline = map(float, observed)
    return Compared(
        site=site,
        candidate=candidate,
        baseline=baseline,
        difference=sign * (candidate - baseline),
        lower_bound=float(np.quantile(differences, significance, method="lower")),
        p_value=(1 + worse) / (1 + len(differences)),
        clusters=clusters,
    )


def _sites(metric: str, pairs: Sequence[tuple[Item, Item]]) -> list[_Site]:
    """The clusters in which the metric was counted, by site."""
    import numpy as np

    by_site: dict[str, dict[str, list[float]]] = {}
    for candidate, baseline in pairs:
        clusters = by_site.setdefault(candidate.site, {})
        if (tallies := _counted(metric, candidate, baseline)) is not None:
            sums = clusters.setdefault(candidate.cluster, [0.0] * 4)
            for place, number in enumerate(tallies):
                sums[place] += number
    for name, clusters in by_site.items():
        if len(clusters) < FEWEST_CLUSTERS:
            where = f" of {name}" if name else ""
            found = f"{metric} was counted in {len(clusters)} clusters{where}"
            raise ValueError(f"{found}; {FEWEST_CLUSTERS} at least")
    return [_Site(name, np.array([*by_site[name].values()])) for name in sorted(by_site)]


def _counted(metric: str, candidate: Item, baseline: Item) -> tuple[float, ...] | None:
    """Sum and count of either side; None where neither counts anything.

    What only one side counts would be missing from the other's average, so that leaving the
    difficult documents out would pay.
    """
    sides = [item.tallies.get(metric, (0.0, 0.0)) for item in (candidate, baseline)]
    has_counted = [count > 0 for _, count in sides]
    if not any(has_counted):
        return None
    if not all(has_counted):
        raise ValueError(f"{metric} of item {candidate.name!r} was counted for one version only")
    return (*sides[0], *sides[1])


def draws_at_once(num_clusters: int) -> int:
    """So many that the draws of so many clusters take some tens of megabytes."""
    return max(1, min(_MOST_DRAWS_AT_ONCE, _CLUSTERS_AT_ONCE // num_clusters))


def resampled(tallies: "NDArray[float64]", random: "Generator", draws: int) -> "NDArray[float64]":
    """Sums over resampled clusters, as of all of them.

    Args:
        tallies: A site's, [clusters, columns]; two clusters at least.
        random: What is drawn with.
        draws: How often.

    Returns:
        [draws, columns].
    """
    import numpy as np

    num = len(tallies)
    times = random.multinomial(num - 1, np.full(num, 1 / num), size=draws)
    found: NDArray[float64] = (times @ tallies) * (num / (num - 1))
    return found


def _values(comparison: Comparison, sites: Sequence["NDArray[float64]"]) -> "NDArray[float64]":
    """The metric of candidate and baseline, [draws, tests, 2], from each site's [draws, 4]."""
    import numpy as np

    sums = np.stack(sites, axis=1)  # [draws, sites, 4]
    if comparison.over is Over.ITEMS:
        sums = sums.sum(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        by_site = sums[..., [0, 2]] / sums[..., [1, 3]]
        match comparison.over:
            case Over.WORST_SITE:
                worst = np.min if comparison.better is Better.HIGHER else np.max
                found: NDArray[float64] = worst(by_site, axis=1, keepdims=True)
            case Over.HARMONIC_MEAN:
                found = by_site.shape[1] / (1 / by_site).sum(axis=1, keepdims=True)
            case _:
                found = by_site
    return found
