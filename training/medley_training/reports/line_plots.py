"""Plots with a line per site: losses, scores, fairness and the privacy spent, over the rounds."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import isfinite, nan
from statistics import fmean
from typing import TYPE_CHECKING

from medley_training.chart import (
    FAINT,
    GRID,
    INK,
    PALETTE,
    Chart,
    Label,
    label_ends,
    marks,
    name_rounds,
    site_colours,
)
from medley_training.reports.history import RoundHistory, RunHistory
from medley_training.rounds.event_text import metric_name
from medley_training.rounds.events import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOWER_IS_BETTER = frozenset({"loss", "critical_errors"})
_STATISTICS = {
    "mean": (PALETTE[0], "solid"),
    "harmonic_mean": (PALETTE[2], (0, (3, 2))),  # so that a mean below it can be seen
    "minimum": (PALETTE[1], "solid"),
}
_MEANINGS = {
    "loss": "Mean loss per completion token (nats) on held-out examples; lower is better",
    "token_accuracy": "Share of completion tokens predicted, on held-out examples",
    "choice_accuracy": "Share of held-out questions answered rightly",
    "field_f1": "F1 over the fields extracted from held-out documents",
    "field_exact": "Share of fields extracted exactly, on held-out documents",
    "json_valid": "Share of answers that are valid JSON, on held-out documents",
    "critical_errors": "Critical errors on held-out documents; lower is better",
}

_ROUNDS_WITH_STEPS = 20
"""With more rounds, single steps would be noise that hides the course."""

Series = Mapping[int, float]


def training_loss(run: RunHistory) -> Chart | None:
    """The loss of the optimizer steps that the log keeps."""
    if not any(isfinite(step.loss) for steps in run.steps.values() for step in steps):
        return None
    last = max(step.round for steps in run.steps.values() for step in steps)
    meaning = "Mean loss per completion token (nats) of a site's own steps"
    lines = {site: _step_line(steps) for site, steps in run.steps.items()}
    if last > _ROUNDS_WITH_STEPS:
        meaning += ", averaged over each round"
        lines = {site: _round_line(steps) for site, steps in run.steps.items()}
    within = "" if last > _ROUNDS_WITH_STEPS else ", with its optimizer steps from left to right"
    chart = Chart("Training loss", [meaning])
    axes = chart.panels[0]
    _draw_sites(axes, run.sites, lines, lower_is_better=True)
    axes.set_xlim(0.5, last + 0.5)
    name_rounds(axes, range(1, last + 1))
    for number in axes.get_xticks()[1:]:
        axes.axvline(number - 0.5, color=GRID, linewidth=0.8, zorder=0)
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel(f"Round{within}")
    return chart


def _step_line(steps: Sequence[Step]) -> list[tuple[float, float]]:
    """Points with a gap between rounds: each begins from another adapter."""
    points: list[tuple[float, float]] = []
    previous = None
    for step in steps:
        if previous is not None and step.round != previous:
            points.append((step.round - 0.5, nan))
        points.append((step.round - 0.5 + step.step / step.total_steps, step.loss))
        previous = step.round
    return points


def _round_line(steps: Sequence[Step]) -> list[tuple[float, float]]:
    by_round = groupby(steps, key=lambda step: step.round)
    return [(float(number), fmean(step.loss for step in own)) for number, own in by_round]


def scores(run: RunHistory, metric: str) -> Chart:
    """A metric on held-out examples, of each site and of all together."""
    meaning = _MEANINGS.get(metric, "On held-out examples")
    headline = "Held-out loss" if metric == "loss" else _headline(metric)
    chart = Chart(headline, [meaning])
    axes = chart.panels[0]
    pooled = {each.round: each.pooled.get(metric, nan) for each in run.evaluations}
    lines = {
        site: [(each.round, each.scores.get(site, {}).get(metric, nan)) for each in run.evaluations]
        for site in run.sites
    }
    is_lower = metric in LOWER_IS_BETTER
    _draw_sites(axes, run.sites, lines, lower_is_better=is_lower, pooled=pooled)
    _fit_rounds(axes, pooled)
    return chart


def _headline(metric: str) -> str:
    name = metric_name(metric)
    return name[0].upper() + name[1:]


def _fit_rounds(axes: "Axes", rounds: Iterable[int]) -> None:
    found = sorted(rounds)
    room = max((found[-1] - found[0]) * 0.02, 0.08)
    axes.set_xlim(found[0] - room, found[-1] + room)
    name_rounds(axes, found)


def _draw_sites(
    axes: "Axes",
    sites: Sequence[str],
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    lower_is_better: bool,
    pooled: Series | None = None,
) -> None:
    """A line per site in its colour; of many sites only the best and the weakest have one."""
    finals = {site: _last_finite(y for _, y in lines.get(site, ())) for site in sites}
    finals = {site: value for site, value in finals.items() if isfinite(value)}
    colours = site_colours(sites)
    names = {site: site for site in finals}
    if not colours and finals:
        best, weakest = _extremes(finals, lower_is_better=lower_is_better)
        colours = {best: PALETTE[0], weakest: PALETTE[1]}
        names = {best: f"best: {best}", weakest: f"weakest: {weakest}"}
    for site in sorted(finals, key=lambda site: site in colours):
        colour = colours.get(site, FAINT)
        width = 1.4 if site in colours else 0.7
        xs, ys = zip(*lines[site], strict=True)
        axes.plot(xs, ys, color=colour, linewidth=width, clip_on=False, **marks(len(xs)))
    labels = [Label(names[site], finals[site], colours[site]) for site in finals if site in colours]
    if pooled and len(sites) > 1:
        axes.plot(
            [*pooled],
            [*pooled.values()],
            color=INK,
            linewidth=2.4,
            clip_on=False,
            **marks(len(pooled)),
        )
        labels.append(Label("pooled", _last_finite(pooled.values()), INK, is_bold=True))
    label_ends(axes, [label for label in labels if isfinite(label.y)])


def _extremes(finals: Mapping[str, float], *, lower_is_better: bool) -> tuple[str, str]:
    ranked = sorted(finals, key=lambda site: (finals[site], site), reverse=not lower_is_better)
    return ranked[0], ranked[-1]


def _last_finite(values: Iterable[float]) -> float:
    found = [value for value in values if isfinite(value)]
    return found[-1] if found else nan


def fairness(run: RunHistory) -> Chart | None:
    """Mean, harmonic mean and minimum over the sites, a panel for each metric."""
    metrics = sorted({name for each in run.evaluations for name in each.fairness})
    if not metrics:
        return None
    chart = Chart("Fairness over the sites", [_headline(metric) for metric in metrics])
    for axes, metric in zip(chart.panels, metrics, strict=True):
        labels = []
        for name, (colour, style) in _STATISTICS.items():
            line = {
                each.round: each.fairness[metric].get(name, nan)
                for each in run.evaluations
                if metric in each.fairness
            }
            axes.plot([*line], [*line.values()], color=colour, linewidth=1.8, linestyle=style)
            labels.append(Label(name.replace("_", " "), _last_finite(line.values()), colour))
        label_ends(axes, [label for label in labels if isfinite(label.y)])
        _fit_rounds(axes, line)
    return chart


def epsilon(run: RunHistory) -> Chart | None:
    """The privacy budget spent so far at each site."""
    lines: dict[str, list[tuple[float, float]]] = {
        site: [(each.number, _epsilon_at(each, site)) for each in run.rounds] for site in run.sites
    }
    if not any(isfinite(y) for line in lines.values() for _, y in line):
        return None
    sites = run.sites
    if len(sites) > 1 and (common := _common(lines)):
        sites, lines = ("every site",), {"every site": common}
    chart = Chart("Privacy spent", ["ε of differential privacy so far, by each site's own ledger"])
    _draw_sites(chart.panels[0], sites, lines, lower_is_better=True)
    chart.panels[0].set_ylim(bottom=0)
    _fit_rounds(chart.panels[0], [each.number for each in run.rounds])
    return chart


def _common(lines: Mapping[str, Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The one line that all the others lie on, each with its own gaps; else nothing."""
    found: dict[float, set[float]] = {}
    for line in lines.values():
        for x, y in line:
            found.setdefault(x, set()).update([y] if isfinite(y) else [])
    if any(len(ys) > 1 for ys in found.values()):
        return []
    return [(x, min(ys, default=nan)) for x, ys in found.items()]


def _epsilon_at(round_: RoundHistory, site: str) -> float:
    contributed = round_.contributed.get(site)
    found = contributed.epsilon if contributed else None
    return nan if found is None else found
