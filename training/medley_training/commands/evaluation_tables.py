"""How `medley eval` prints outcomes and comparisons."""

from collections.abc import Iterator

from medley_registry import VariantKind
from medley_registry.commands.screen import counted, print_line, print_table

from medley_training.suites.comparison import Comparison, Difference
from medley_training.suites.outcome import Outcome

_OVER_SITES = ("minimum", "maximum", "harmonic_mean")


def print_outcome(outcome: Outcome, variant: VariantKind) -> None:
    """The metrics of one suite, and below them those of each site."""
    num = len(outcome.answers)
    pace = f", {num / outcome.took_s:.3g} a second" if num else ""
    print_line(
        f"{outcome.model.name} on {variant}: {outcome.suite}, {counted(num, 'item')}"
        f" in {outcome.took_s:.1f} s{pace}"
    )
    metrics = outcome.metrics
    names = sorted(_whole(metrics))
    rows = [(name, _number(metrics[name]), _ends(metrics, name)) for name in names]
    print_table(("METRIC", "VALUE", "95 %"), rows)
    if sites := _sites(metrics, outcome.main_metric):
        columns = [name for name in names if "@" not in name]
        table = [
            (site, *(_number(metrics.get(f"{name}/{site}")) for name in columns)) for site in sites
        ]
        print_line("")
        print_table(("SITE", *columns), table)
    print_line("")


def print_comparison(comparison: Comparison) -> None:
    """What differs, metric by metric, and how many answers changed each way."""
    print_line(f"{comparison.suite}: {comparison.first} less {comparison.second}")
    rows = [
        (
            each.metric,
            f"{each.first:.4g}",
            f"{each.second:.4g}",
            f"{each.difference:+.4g}",
            _difference_ends(each),
        )
        for each in comparison.differences
        if "@" not in each.metric
    ]
    print_table(("METRIC", "FIRST", "SECOND", "DIFFERENCE", "95 %"), rows)
    flips = comparison.flips
    print_line(
        f"answers: {flips.better} better, {flips.worse} worse, {flips.same} as good,"
        f" {flips.changed} worded otherwise (McNemar p = {flips.p_value:.3g})"
    )
    print_line("")


def _whole(metrics: dict[str, float]) -> Iterator[str]:
    """The metrics over all items."""
    return (name for name in metrics if "/" not in name)


def _sites(metrics: dict[str, float], main_metric: str) -> list[str]:
    own = (name.partition("/") for name in metrics)
    found = (rest for name, _, rest in own if name == main_metric and rest and "/ci_" not in rest)
    return [site for site in found if site not in (*_OVER_SITES, "ci_low", "ci_high")] + [
        spread for spread in _OVER_SITES if f"{main_metric}/{spread}" in metrics
    ]


def _ends(metrics: dict[str, float], name: str) -> str:
    low, high = metrics.get(f"{name}/ci_low"), metrics.get(f"{name}/ci_high")
    return "" if low is None or high is None else f"{low:.4g} to {high:.4g}"


def _difference_ends(each: Difference) -> str:
    return f"{each.interval[0]:+.4g} to {each.interval[1]:+.4g}" if each.interval else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
