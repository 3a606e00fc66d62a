"""How much better or worse a variant answers than bf16, item by item."""

import hashlib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from medley_registry.gate.bootstrap import compare
from medley_registry.item_scores import Item, items_digest
from medley_registry.policies import Better, Comparison

from medley_training.reports.records.evaluation_rows import LOWER_IS_BETTER

if TYPE_CHECKING:
    from numpy.random import Generator

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a variant from bf16 over the same items; above 0 is better, whatever the metric.

    Attributes:
        lower_bound: One-sided, at `SIGNIFICANCE`, by the gate's clustered bootstrap.
        clusters: How many were resampled.
    """

    value: float
    lower_bound: float
    clusters: int


def difference(
    variant: tuple[Item, ...], baseline: tuple[Item, ...], *, suite: str, metric: str
) -> Difference | None:
    """Compare as the gate does; None where the items do not allow it.

    The same items give the same numbers.
    """
    sides = [{item.name: item for item in side} for side in (variant, baseline)]
    if not sides[0] or sides[0].keys() != sides[1].keys():
        return None
    pairs = [(sides[0][name], sides[1][name]) for name in sorted(sides[0])]
    if any((a.site, a.cluster) != (b.site, b.cluster) for a, b in pairs):
        return None
    better = Better.LOWER if metric in LOWER_IS_BETTER else Better.HIGHER
    comparison = Comparison(suite=suite, metric=metric, margin=0.0, better=better)
    seed = f"{comparison} {items_digest(variant)} {items_digest(baseline)}"
    try:
        (found,) = compare(comparison, pairs, significance=SIGNIFICANCE, random=_seeded(seed))
    except ValueError:  # too few clusters, or not counted on both sides
        return None
    if not isfinite(found.lower_bound):
        return None
    return Difference(found.difference, found.lower_bound, found.clusters)


def _seeded(text: str) -> "Generator":
    import numpy as np

    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()))
