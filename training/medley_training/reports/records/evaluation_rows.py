"""The metrics of an evaluation: over all items, by subject, by site, and of the base alone.

A metric is named ``NAME``; ``NAME@SUBJECT`` is one subject's, ``NAME/SITE`` one hospital's,
``NAME/minimum`` and its like are statistics over the sites, and ``base/NAME`` is what the base
gave without the adapter on the same items.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from medley_training.reports.records.estimate import Estimate, estimates

HEADLINES = (
    "field_f1",
    "choice_accuracy",
    "accuracy",
    "acc",
    "acc_norm",
    "exact_match",
    "pass_rate",
)
"""The metric that stands for a suite: the first of these that it has."""

LOWER_IS_BETTER = frozenset(
    {
        *("loss", "calibration_error", "critical_errors"),
        *("false_fills", "json_invalid", "brier_score", "perplexity"),
    }
)
_STATISTICS = ("mean", "minimum", "maximum", "harmonic_mean")
_BASE = "base/"

ByName = Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one suite found; every metric is in exactly one of these.

    Attributes:
        overall: Metric → over all items.
        subjects, sites: Metric → subject or site → value.
        statistics: Metric → ``minimum`` and its like → value over the sites.
        base: Metric → of the base without the adapter.
    """

    overall: ByName
    subjects: Mapping[str, ByName]
    sites: Mapping[str, ByName]
    statistics: Mapping[str, ByName]
    base: ByName

    @classmethod
    def of(cls, metrics: Mapping[str, float]) -> "Evaluation":
        """Sort the metrics of evidence; no metric is lost."""
        found = estimates(metrics)
        overall: dict[str, Estimate] = {}
        base: dict[str, Estimate] = {}
        parts: dict[str, dict[str, dict[str, Estimate]]] = {"@": {}, "/": {}, "statistic": {}}
        for name in sorted(found):
            whole, sign, part = _parted(name, found)
            if sign:
                kind = "statistic" if sign == "/" and part in _STATISTICS else sign
                parts[kind].setdefault(whole, {})[part] = found[name]
            elif name.startswith(_BASE):
                base[name.removeprefix(_BASE)] = found[name]
            else:
                overall[name] = found[name]
        return cls(overall, parts["@"], parts["/"], parts["statistic"], base)

    @property
    def headline(self) -> str | None:
        """The metric that stands for the suite, if it has one."""
        return next((name for name in HEADLINES if name in self.overall), None)


def _parted(name: str, found: ByName) -> tuple[str, str, str]:
    """The metric, the sign and the part; no sign where the name is a metric's own."""
    for sign in "@/":
        whole, _, part = name.partition(sign)
        is_part = part and not name.startswith(_BASE)
        if is_part and (sign == "@" or whole in found or part in _STATISTICS):
            return whole, sign, part
    return name, "", ""
