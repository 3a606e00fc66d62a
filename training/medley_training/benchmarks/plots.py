"""Plots of the rows: memory by component, time per token, throughput, distance to the floor."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_training.benchmarks.rows import Row
from medley_training.benchmarks.screen_table import adapters_text, load_text
from medley_training.chart import INK, PALETTE, QUIET, Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PARTS = {
    "weights": "weights",
    "kv_cache": "KV cache",
    "lora_slots": "LoRA slots",
    "activation": "activation peak",
    "other": "other (libraries, processes)",
}
_BAR = 0.72

Value = Callable[[Row], float | None]


def plot_rows(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draws each load's plots, each as PNG and SVG; returns the files."""
    paths = []
    for number, load in enumerate(dict.fromkeys(map(load_text, rows)), 1):
        of_load = [row for row in rows if load_text(row) == load]
        for name, chart in _charts(of_load, load).items():
            paths += chart.save(folder, f"{name}-{number}")
    return paths


def _charts(rows: Sequence[Row], load: str) -> dict[str, Chart]:
    return {
        "memory": _memory(rows, load),
        "time_per_token": _bars(
            rows,
            Chart("Time per token", [f"Median gap in ms, and 95 % interval; {load}"]),
            value=lambda row: row["itl_ms"].get("p50"),
            ends=lambda row: row["ci"].get("itl_ms/p50"),
        ),
        "first_token": _bars(
            rows,
            Chart("Time to first token", [f"Median in ms, and 95 % interval; {load}"]),
            value=lambda row: row["ttft_ms"].get("p50"),
            ends=lambda row: row["ci"].get("ttft_ms/p50"),
        ),
        "throughput": _bars(
            rows,
            Chart("Throughput", [f"Tokens per second, and 95 % interval; {load}"]),
            value=lambda row: row["tokens_per_s"],
            ends=lambda row: row["ci"].get("tokens_per_s"),
        ),
        "floor": _bars(
            rows,
            Chart("Distance to the physical floor", [f"Floor / measured, 1 is the limit; {load}"]),
            value=lambda row: row["floor_ratio"],
            ends=lambda _: None,
        ),
    }


def _memory(rows: Sequence[Row], load: str) -> Chart:
    """Stacked bars, whose parts add up to what the processes take."""
    chart = Chart("Memory by component", [f"MB at the peak, with the least KV cache for {load}"])
    axes = chart.panels[0]
    places = [*range(len(rows))]
    left = [0.0] * len(rows)
    for (part, label), colour in zip(_PARTS.items(), PALETTE, strict=False):
        widths = [max(0.0, row["memory_mb"][part] or 0.0) for row in rows]
        axes.barh(places, widths, left=left, height=_BAR, color=colour, label=label)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, row in zip(places, rows, strict=True):
        _write(axes, left[place], place, f"{row['memory_mb']['total']:,.0f}")
    _name_rows(axes, rows, most=max(left))
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.42, -0.08), ncols=5, frameon=False, fontsize=8
    )
    return chart


def _bars(
    rows: Sequence[Row],
    chart: Chart,
    *,
    value: Value,
    ends: Callable[[Row], Sequence[float] | None],
) -> Chart:
    axes = chart.panels[0]
    variants = [*dict.fromkeys(row["variant"] for row in rows)]
    reach = 0.0
    for place, row in enumerate(rows):
        width = value(row) or 0.0
        colour = PALETTE[variants.index(row["variant"]) % len(PALETTE)]
        is_vllm = row["engine"] == "vllm"
        axes.barh(place, width, height=_BAR, color=colour, alpha=1 if is_vllm else 0.45)
        far = width
        if found := ends(row):
            axes.plot([max(0.0, found[0]), found[1]], [place, place], color=INK, linewidth=1)
            far = max(far, found[1])
        _write(axes, far, place, "not measured" if value(row) is None else f"{width:.3g}")
        reach = max(reach, far)
    _name_rows(axes, rows, most=reach)
    return chart


def _write(axes: "Axes", x: float, y: float, text: str) -> None:
    look: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 8}
    axes.annotate(text, xy=(x, y), xytext=(4, 0), color=QUIET, **look)


def _name_rows(axes: "Axes", rows: Sequence[Row], *, most: float) -> None:
    names = [f"{row['engine']} {row['variant']}, {_who(row)}" for row in rows]
    axes.set_yticks([*range(len(rows))], names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, (most or 1) * 1.12)
    axes.grid(visible=False, axis="y")


def _who(row: Row) -> str:
    text = adapters_text(row)
    return text if row["slots"] != "used" else f"{text} adapter{'' if text == '1' else 's'}"
