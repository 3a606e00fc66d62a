"""Figures over many documents: metrics with intervals, calibration, time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medley.results import Usage
from medley_registry import Item
from medley_training.suites.measures import (
    drawn_sums,
    interval,
    metric_names,
    pooled_draws,
    tallies_by_site,
    values,
)
from medley_training.suites.reliability import NUM_BINS, bin_of

from tests.bench.extraction_metrics import JudgedValue, Tallies

THRESHOLDS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
COMBINED = {
    "combined": ("term_f1", "value_f1"),
    "normal_combined": ("normal_term_f1", "normal_value_f1"),
    "combined_found": ("term_found", "value_found"),
}
"""Means of two metrics."""

Figure = dict[str, float | None]


def figures(documents: dict[str, Tallies], *, seed: int = 0) -> dict[str, Figure]:
    """Every metric over some documents by name: its value, its count, and its 95 % interval.

    Documents are drawn anew; of fewer than eight there is no interval.
    """
    import numpy as np

    items = [Item(name, name, "", tallies) for name, tallies in sorted(documents.items())]
    names = metric_names(items)
    sites = tallies_by_site(items, names)
    sums = sites[""].sum(axis=0, keepdims=True)
    observed = values(names, sums)
    together = pooled_draws(sites, {"": drawn_sums(sites[""], np.random.default_rng(seed))})
    drawn = {} if together is None else values(names, together)
    counts = {name: float(sums[0, 2 * at + 1]) for at, name in enumerate(names)}
    for name, (first, second) in COMBINED.items():
        observed[name] = (observed[first] + observed[second]) / 2
        counts[name] = counts[first] + counts[second]
        if drawn:
            drawn[name] = (drawn[first] + drawn[second]) / 2
    made: dict[str, Figure] = {}
    for name, value in observed.items():
        if np.isfinite(value[0]):
            low, high = (interval(drawn[name]) if drawn else None) or (None, None)
            made[name] = {
                "value": float(value[0]),
                "count": counts[name],
                "low": low,
                "high": high,
            }
    return made


def calibration(judged: Iterable[JudgedValue]) -> dict[str, object]:
    """Whether confidence is what it says, and what a review below a threshold would catch."""
    known = [(value.confidence, value.is_right) for value in judged if value.confidence is not None]
    if not known:
        return {"values": 0}
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(NUM_BINS)]
    for confidence, is_right in known:
        bins[bin_of(confidence)].append((confidence, is_right))
    gaps = (abs(sum(c - r for c, r in each)) for each in bins)
    return {
        "values": len(known),
        "expected_calibration_error": sum(gaps) / len(known),
        "brier": sum((c - r) ** 2 for c, r in known) / len(known),
        "bins": [_bin(each) for each in bins if each],
        "review_below": [_review(known, threshold) for threshold in THRESHOLDS],
    }


def _bin(each: Sequence[tuple[float, bool]]) -> dict[str, float]:
    return {
        "confidence": sum(c for c, _ in each) / len(each),
        "right": sum(r for _, r in each) / len(each),
        "count": len(each),
    }


def _review(known: Sequence[tuple[float, bool]], threshold: float) -> dict[str, float]:
    wrong = sum(not right for _, right in known)
    reviewed = [right for confidence, right in known if confidence < threshold]
    caught = sum(not right for right in reviewed)
    passed = len(known) - len(reviewed)
    return {
        "threshold": threshold,
        "reviewed": len(reviewed) / len(known),
        "errors_caught": caught / wrong if wrong else 1.0,
        "errors_passed": (wrong - caught) / passed if passed else 0.0,
    }


@dataclass(frozen=True, slots=True)
class Timed:
    """How long one document took, in seconds as its caller saw it."""

    took_s: float
    pages: int
    usage: Usage


def times(timed: Sequence[Timed]) -> dict[str, object]:
    """Seconds per page, and where the server says that they went, in milliseconds per page."""
    pages = sum(each.pages for each in timed)
    if not pages:
        return {}
    phases: dict[str, float] = {}
    for each in timed:
        for name, ms in each.usage.phases_ms.items():
            phases[name] = phases.get(name, 0.0) + ms
    per_page = sorted(each.took_s / each.pages for each in timed)
    return {
        "pages": pages,
        "page_s_p50": quantile(per_page, 0.5),
        "page_s_p95": quantile(per_page, 0.95),
        "phases_ms_per_page": {name: round(ms / pages, 1) for name, ms in phases.items()},
        "queue_ms_per_page": round(sum(each.usage.queue_ms for each in timed) / pages, 1),
        "output_tokens_per_page": round(sum(each.usage.output_tokens for each in timed) / pages, 1),
    }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the ordered ones do not exceed."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
