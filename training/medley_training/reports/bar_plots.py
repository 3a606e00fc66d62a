"""Plots with a bar per round: what each site's update counted, and what went over the wire."""

from collections.abc import Mapping, Sequence
from math import nan
from typing import TYPE_CHECKING, Any

from medley_training.amounts import size_text
from medley_training.chart import (
    INK,
    PALETTE,
    Chart,
    Label,
    label_ends,
    name_rounds,
    site_colours,
)
from medley_training.reports.history import RunHistory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST_BARS = 4
_GAPS = 40
"""Of more bars, gaps between them would be a pattern of their own."""

ByRound = Mapping[int, Mapping[str, float]]


def weights(run: RunHistory) -> Chart | None:
    """Stacked bars; of many sites a map of sites and rounds, because no stack could be read."""
    found = {each.number: each.aggregated.weights for each in run.rounds if each.aggregated}
    if not found:
        return None
    meaning = "What each site's update counted in the round's aggregate"
    if colours := site_colours(run.sites):
        chart = Chart("Weights", [meaning])
        axes = chart.panels[0]
        labels = _stack(axes, found, colours)
        axes.set_ylim(0, max(1.0, *(sum(of_round.values()) for of_round in found.values())))
        label_ends(axes, labels)
        _fit_rounds(axes, found)
    else:
        chart = Chart("Weights", [f"{meaning}; white: took no part"])
        _weight_map(chart, found, run.sites)
    return chart


def traffic(run: RunHistory) -> Chart | None:
    """Bytes up and down in each round, mirrored at the axis."""
    up: dict[int, dict[str, float]] = {}
    down: dict[int, dict[str, float]] = {}
    for sent in run.transfers:
        for found, size in ((up, sent.bytes_up), (down, sent.bytes_down)):
            of_round = found.setdefault(sent.round, {})
            of_round[sent.site] = of_round.get(sent.site, 0.0) + size
    if not up:
        return None
    chart = Chart("Traffic", [_traffic_text(up, down)])
    axes = chart.panels[0]
    if colours := site_colours(run.sites):
        labels = _stack(axes, up, colours)
        _stack(axes, down, colours, sign=-1)
    else:
        up, down = _summed(up, "from sites"), _summed(down, "to sites")
        labels = _stack(axes, up, {"from sites": PALETTE[0]})
        labels += _stack(axes, down, {"to sites": PALETTE[5]}, sign=-1)
    _size_axis(axes, up, down)
    label_ends(axes, labels)
    _fit_rounds(axes, up)
    return chart


def _traffic_text(up: ByRound, down: ByRound) -> str:
    totals = [sum(sum(of_round.values()) for of_round in found.values()) for found in (up, down)]
    return (
        f"Sent by sites, above the line: {size_text(totals[0])} in all; "
        f"sent to them, below: {size_text(totals[1])}"
    )


def _summed(found: ByRound, name: str) -> dict[int, dict[str, float]]:
    return {number: {name: sum(of_round.values())} for number, of_round in found.items()}


def _size_axis(axes: "Axes", up: ByRound, down: ByRound) -> None:
    from matplotlib.ticker import FuncFormatter

    highest, lowest = (max(sum(each.values()) for each in found.values()) for found in (up, down))
    axes.set_ylim(-1.08 * max(lowest, 1), 1.08 * max(highest, 1))
    axes.axhline(0, color=INK, linewidth=0.9)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: size_text(abs(y)) if y else "0"))


def _stack(
    axes: "Axes", found: ByRound, colours: Mapping[str, str], *, sign: int = 1
) -> list[Label]:
    """Bars with a part for each site, from the axis outwards; returns labels for the last bar."""
    rounds = sorted(found)
    look: dict[str, Any] = {"width": 0.78, "edgecolor": "white", "linewidth": 0.6}
    if len(rounds) > _GAPS:
        look = {"width": 1.0, "linewidth": 0}
    floor = [0.0] * len(rounds)
    labels = []
    for site, colour in colours.items():
        heights = [sign * found[number].get(site, 0.0) for number in rounds]
        axes.bar(rounds, heights, bottom=floor, color=colour, **look)
        if heights[-1]:
            labels.append(Label(site, floor[-1] + heights[-1] / 2, colour))
        floor = [below + height for below, height in zip(floor, heights, strict=True)]
    return labels


def _fit_rounds(axes: "Axes", found: ByRound) -> None:
    """A bar alone is not drawn as wide as the panel."""
    room = max(0.6, (_LEAST_BARS - (max(found) - min(found))) / 2)
    axes.set_xlim(min(found) - room, max(found) + room)
    name_rounds(axes, sorted(found))


def _weight_map(chart: Chart, found: ByRound, sites: Sequence[str]) -> None:
    axes = chart.panels[0]
    rounds = [*range(min(found), max(found) + 1)]
    cells = [[found.get(number, {}).get(site, nan) for number in rounds] for site in sites]
    rows = [*range(len(sites))]
    image = axes.pcolormesh(rounds, rows, cells, cmap="cividis", vmin=0, shading="nearest")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_yticks(rows, sites)
    name_rounds(axes, rounds)
    chart.add_scale(image, axes)
