"""Metrics and how sure they are, from what each item contributed.

The intervals are those of the gate's bootstrap (`medley_registry.gate.bootstrap`): clusters are
drawn anew within each site, because what belongs to one document or patient errs together.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medley_registry import Item
from medley_registry.gate.bootstrap import FEWEST_CLUSTERS, draws_at_once, resampled

from medley_training.evaluation.fairness import Fairness
from medley_training.suites.choices import BY_LABEL, GAP

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

DRAWS = 2_000
TAIL = 0.025
"""What lies outside a 95 % interval on either side."""

Values = Mapping[str, "NDArray[float64]"]


def measured(items: Sequence[Item], *, seed: int = 0) -> dict[str, float]:
    """Every metric over the items, with the ends of its 95 % interval where that can be told.

    ``NAME`` is over all items, ``NAME/SITE`` over a site's; ``NAME/minimum``, ``NAME/maximum`` and
    ``NAME/harmonic_mean`` are over the sites. ``…/ci_low`` and ``…/ci_high`` are missing where
    fewer than `FEWEST_CLUSTERS` clusters are behind a value, or only one of a site.

    Args:
        items: No two of one name.
        seed: Equal items and seeds give equal intervals.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    names = metric_names(items)
    sites = tallies_by_site(items, names)
    drawn = {site: drawn_sums(tallies, random) for site, tallies in sites.items()}
    total = _pooled([tallies.sum(axis=0, keepdims=True) for tallies in sites.values()])
    together = pooled_draws(sites, drawn)
    found = _with_interval("", values(names, total), _values(names, together))
    if set(sites) == {""}:
        return found
    by_site: dict[str, dict[str, float]] = {}
    for site, tallies in sites.items():
        sure = drawn[site] if len(tallies) >= FEWEST_CLUSTERS else None
        here = values(names, tallies.sum(axis=0, keepdims=True))
        by_site[site] = {name: float(value[0]) for name, value in here.items()}
        found |= _with_interval(f"/{site}", here, _values(names, sure))
    return found | _over_sites(by_site)


def metric_names(items: Sequence[Item]) -> list[str]:
    """What the items count, in order."""
    return sorted({name for item in items for name in item.tallies})


def tallies_by_site(items: Sequence[Item], names: Sequence[str]) -> dict[str, "NDArray[float64]"]:
    """The sums and counts of each site's clusters: [clusters, 2 metrics], clusters by name."""
    import numpy as np

    column = {name: 2 * place for place, name in enumerate(names)}
    by_site: dict[str, dict[str, NDArray[float64]]] = {}
    for item in items:
        clusters = by_site.setdefault(item.site, {})
        sums = clusters.setdefault(item.cluster, np.zeros(2 * len(names)))
        for name, tally in item.tallies.items():
            sums[column[name] : column[name] + 2] += tally
    return {
        site: np.array([clusters[name] for name in sorted(clusters)])
        for site, clusters in sorted(by_site.items())
    }


def drawn_sums(tallies: "NDArray[float64]", random: "Generator") -> "NDArray[float64] | None":
    """The sums over each of `DRAWS` resamplings of a site; None if there is nothing to resample."""
    import numpy as np

    if len(tallies) < 2:
        return None
    at_once = draws_at_once(len(tallies))
    parts = [resampled(tallies, random, at_once) for _ in range(-(-DRAWS // at_once))]
    return np.concatenate(parts)[:DRAWS]


def pooled_draws(
    sites: Mapping[str, "NDArray[float64]"], drawn: Mapping[str, "NDArray[float64] | None"]
) -> "NDArray[float64] | None":
    """The sums over all sites in each resampling; None where they would look too sure."""
    known = [sums for sums in drawn.values() if sums is not None]
    if len(known) < len(sites) or sum(map(len, sites.values())) < FEWEST_CLUSTERS:
        return None
    return _pooled(known)


def values(names: Sequence[str], sums: "NDArray[float64]") -> dict[str, "NDArray[float64]"]:
    """Each metric in each row of sums and counts, [rows, 2 metrics]; NaN if nothing counted.

    What is not a sum over a count is worked out here: ``calibration_error``, and
    ``choice_accuracy_macro``, in which every subject counts alike.
    """
    import numpy as np

    totals, counts = sums[:, ::2], sums[:, 1::2]
    with np.errstate(all="ignore"):
        ratios = np.where(counts > 0, totals / counts, np.nan)
    found = {name: ratios[:, at] for at, name in enumerate(names) if not name.startswith(GAP)}
    gaps = [at for at, name in enumerate(names) if name.startswith(GAP)]
    if gaps:
        num_questions = counts[:, names.index("choice_accuracy")]
        with np.errstate(all="ignore"):
            found["calibration_error"] = np.abs(totals[:, gaps]).sum(axis=1) / num_questions
    labels = [at for at, name in enumerate(names) if name.startswith(BY_LABEL)]
    if len(labels) > 1:
        has_any = (counts[:, labels] > 0).sum(axis=1)
        with np.errstate(all="ignore"):
            sums_of_labels = np.nansum(ratios[:, labels], axis=1)
            found["choice_accuracy_macro"] = np.where(has_any > 0, sums_of_labels / has_any, np.nan)
    return found


def interval(draws: "NDArray[float64]") -> tuple[float, float] | None:
    """The ends of the middle 95 % of what was drawn; None if half of it is nothing."""
    import numpy as np

    finite = draws[np.isfinite(draws)]
    if 2 * len(finite) < len(draws):
        return None
    low, high = np.quantile(finite, [TAIL, 1 - TAIL])
    return float(low), float(high)


def _pooled(sums: Sequence["NDArray[float64]"]) -> "NDArray[float64]":
    import numpy as np

    found: NDArray[float64] = np.sum(np.stack(sums), axis=0)
    return found


def _values(names: Sequence[str], sums: "NDArray[float64] | None") -> Values:
    return {} if sums is None else values(names, sums)


def _with_interval(suffix: str, observed: Values, drawn: Values) -> dict[str, float]:
    import numpy as np

    found: dict[str, float] = {}
    for name, value in observed.items():
        if not np.isfinite(value[0]):
            continue
        found[f"{name}{suffix}"] = float(value[0])
        ends = interval(drawn[name]) if name in drawn else None
        if ends is not None:
            found[f"{name}{suffix}/ci_low"], found[f"{name}{suffix}/ci_high"] = ends
    return found


def _over_sites(by_site: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """How evenly each metric that all sites have is spread over them."""
    from math import isfinite

    found: dict[str, float] = {}
    shared = set.intersection(*(set(metrics) for metrics in by_site.values()))
    for name in sorted(shared):
        there = [metrics[name] for metrics in by_site.values()]
        if not all(map(isfinite, there)):
            continue
        spread = Fairness.of(there)
        found[f"{name}/minimum"] = spread.minimum
        found[f"{name}/maximum"] = max(there)
        found[f"{name}/harmonic_mean"] = spread.harmonic_mean
    return found
