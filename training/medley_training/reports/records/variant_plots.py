"""Plots of a version's variants: memory by component, latency, accuracy, one against the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, Any

from medley_training.chart import FAINT, GRID, INK, PALETTE, QUIET, Chart, darker
from medley_training.reports.records.benchmark_rows import BenchmarkRow, Memory
from medley_training.reports.records.contender import Field
from medley_training.reports.records.content import Figure
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.quantities import (
    digits,
    megabytes_text,
    milliseconds_text,
    score_text,
)
from medley_training.rounds.event_text import metric_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COMPONENTS = tuple(each.name for each in fields_of(Memory) if each.name != "total")
_COMPONENT_NAMES = {"kv_cache": "KV cache", "lora_slots": "LoRA slots"}
_SPEEDS: dict[str, tuple[str, Callable[[BenchmarkRow], Estimate | None]]] = {
    "ttft": ("Time to first token, p95 (ms)", lambda row: row.ttft_ms.p95),
    "itl": ("Between tokens, p95 (ms)", lambda row: row.itl_ms.p95),
    "rate": ("Tokens per second", lambda row: row.tokens_per_s),
}


def memory_plot(field: Field) -> Figure | None:
    """A stacked bar for each variant."""
    rows = {c.variant.value: c.row.memory_mb for c in field.contenders if c.row}
    parts = {
        kind: {name: part.value for name in _COMPONENTS if (part := getattr(memory, name))}
        for kind, memory in rows.items()
    }
    parts = {kind: of_kind for kind, of_kind in parts.items() if of_kind}
    if not parts:
        return None
    chart = Chart("Memory by component", [f"{field.title}, {field.slots_text}"])
    axes = chart.panels[0]
    _stack(axes, parts)
    told = "; ".join(
        f"{kind}: {', '.join(f'{_component(n)} {megabytes_text(v)}' for n, v in of.items())}"
        for kind, of in parts.items()
    )
    return Figure(_name("memory", field), f"Memory by component. {told}", chart.svg())


def speed_plot(field: Field) -> Figure | None:
    """A panel for each measure, a bar with its interval for each variant."""
    panels: dict[str, dict[str, Estimate]] = {}
    for title, value in _SPEEDS.values():
        found = {c.variant.value: n for c in field.contenders if c.row and (n := value(c.row))}
        panels |= {title: found} if found else {}
    if not panels:
        return None
    chart = Chart(f"Speed of {field.title}, {field.slots_text}", [*panels])
    for axes, found in zip(chart.panels, panels.values(), strict=True):
        _bars(axes, found)
    told = "; ".join(f"{title}: {_told(found)}" for title, found in panels.items())
    return Figure(_name("speed", field), f"{told}", chart.svg())


def accuracy_plot(field: Field) -> Figure | None:
    """A panel for each suite, a point with its interval for each variant, bf16's as a line."""
    suites: dict[str, dict[str, Estimate]] = {}
    for contender in field.contenders:
        for each in contender.scores:
            if each.score and each.metric:
                title = f"{metric_name(each.metric)}, {each.measurement.evidence.suite}"
                suites.setdefault(title, {})[contender.variant.value] = each.score
    if not suites:
        return None
    chart = Chart(f"Accuracy of {field.title}", [*suites])
    for axes, found in zip(chart.panels, suites.values(), strict=True):
        _points(axes, found)
    told = "; ".join(f"{title}: {_told(found)}" for title, found in suites.items())
    return Figure(_name("accuracy", field), told, chart.svg())


def trade_plot(field: Field) -> Figure | None:
    """Latency across, accuracy upwards; a panel for each suite."""
    suites: dict[str, dict[str, tuple[Estimate, Estimate]]] = {}
    for contender in field.contenders:
        speed = contender.row.itl_ms.p95 if contender.row else None
        for each in contender.scores if speed else ():
            if speed and each.score and each.metric:
                title = f"{metric_name(each.metric)}, {each.measurement.evidence.suite}"
                suites.setdefault(title, {})[contender.variant.value] = (speed, each.score)
    suites = {title: found for title, found in suites.items() if len(found) > 1}
    if not suites:
        return None
    chart = Chart(f"Latency and accuracy of {field.title}", [*suites])
    for axes, found in zip(chart.panels, suites.values(), strict=True):
        _scatter(axes, found)
    told = "; ".join(f"{title}: {_pairs_told(found)}" for title, found in suites.items())
    return Figure(_name("latency-accuracy", field), told, chart.svg())


def _name(what: str, field: Field) -> str:
    version = field.version.reference.replace(":", "-")
    return f"{what}-{version}-{field.environment.number}"


def _component(name: str) -> str:
    return _COMPONENT_NAMES.get(name, name)


def _told(found: Mapping[str, Estimate]) -> str:
    return ", ".join(f"{kind} {score_text(number)}" for kind, number in found.items())


def _pairs_told(found: Mapping[str, tuple[Estimate, Estimate]]) -> str:
    return ", ".join(
        f"{kind} {milliseconds_text(speed.value)} and {score_text(score)}"
        for kind, (speed, score) in found.items()
    )


def _stack(axes: "Axes", parts: Mapping[str, Mapping[str, float]]) -> None:
    kinds = [*parts]
    places = [*range(len(kinds))]
    left = [0.0] * len(kinds)
    for name, colour in zip(_COMPONENTS, PALETTE, strict=False):
        widths = [parts[kind].get(name, 0.0) for kind in kinds]
        if any(widths):
            look: dict[str, Any] = {"height": 0.62, "edgecolor": "white", "linewidth": 0.6}
            axes.barh(places, widths, left=left, color=colour, label=_component(name), **look)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    for place, total in zip(places, left, strict=True):
        _write(axes, megabytes_text(total), (total, place), (5, 0), ha="left")
    axes.set_yticks(places, kinds)
    axes.invert_yaxis()
    axes.set_xlim(0, max(left) * 1.12)
    axes.set_ylim(max(len(kinds), 3) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.set_xlabel("MB")
    _legend(axes)


def _legend(axes: "Axes") -> None:
    legend = axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=len(_COMPONENTS),
        frameon=False,
        fontsize=8.5,
        handlelength=1.0,
        handleheight=1.0,
    )
    for text in legend.get_texts():
        text.set_color(QUIET)


def _bars(axes: "Axes", found: Mapping[str, Estimate]) -> None:
    places = [*range(len(found))]
    values = [number.value for number in found.values()]
    axes.bar(places, values, width=0.62, color=_colours(found))
    _whiskers(axes, places, [*found.values()])
    for place, number in zip(places, found.values(), strict=True):
        top = number.value if number.high is None else max(number.value, number.high)
        _write(axes, digits(number.value), (place, top), (0, 4), ha="center")
    axes.set_xticks(places, [*found])
    axes.set_xlim(-0.7, max(len(places), 3) - 0.3)
    axes.set_ylim(0, 1.14 * max(max(n.value, n.high or 0.0) for n in found.values()) or 1.0)


def _points(axes: "Axes", found: Mapping[str, Estimate]) -> None:
    places = [*range(len(found))]
    values = [number.value for number in found.values()]
    if "bf16" in found:
        axes.axhline(found["bf16"].value, color=FAINT, linewidth=1.0, linestyle=(0, (4, 3)))
    _whiskers(axes, places, [*found.values()])
    axes.scatter(places, values, s=46, color=_colours(found), zorder=3)
    for place, number in zip(places, found.values(), strict=True):
        _write(axes, digits(number.value), (place, number.value), (9, 0), ha="left")
    axes.set_xticks(places, [*found])
    axes.set_xlim(-0.7, max(len(places), 3) - 0.3)
    axes.margins(y=0.2)


def _scatter(axes: "Axes", found: Mapping[str, tuple[Estimate, Estimate]]) -> None:
    for (kind, (speed, score)), colour in zip(found.items(), _colours(found), strict=True):
        if score.low is not None and score.high is not None:
            axes.plot([speed.value] * 2, [score.low, score.high], color=FAINT, linewidth=1.4)
        if speed.low is not None and speed.high is not None:
            axes.plot([speed.low, speed.high], [score.value] * 2, color=FAINT, linewidth=1.4)
        axes.scatter([speed.value], [score.value], s=52, color=colour, zorder=3)
        _write(axes, kind, (speed.value, score.value), (8, 7), ha="left", colour=darker(colour))
    axes.set_xlabel("Between tokens, p95 (ms)")
    axes.margins(x=0.25, y=0.2)


def _whiskers(axes: "Axes", places: Sequence[float], numbers: Sequence[Estimate]) -> None:
    for place, number in zip(places, numbers, strict=True):
        if number.low is not None and number.high is not None:
            axes.plot([place] * 2, [number.low, number.high], color=INK, linewidth=1.2, zorder=2)


def _colours(found: Mapping[str, object]) -> list[str]:
    return [PALETTE[at % len(PALETTE)] for at in range(len(found))]


def _write(
    axes: "Axes",
    text: str,
    at: tuple[float, float],
    offset: tuple[float, float],
    *,
    ha: str,
    colour: str = QUIET,
) -> None:
    axes.annotate(
        text,
        xy=at,
        xytext=offset,
        textcoords="offset points",
        fontsize=8.5,
        color=colour,
        ha=ha,
        va="center" if offset[1] == 0 else "bottom",
        annotation_clip=False,
    )
