"""The labels of each site beside those of all: a picture of how skewed a partition is."""

from pathlib import Path
from typing import TYPE_CHECKING

from medley_training.chart import FAINT, GRID, INK, PALETTE, QUIET
from medley_training.data.report import PartitionReport, SiteReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS_PER_ROW = 5
MAX_LABELS = 24


def label_histogram(report: PartitionReport, path: Path) -> None:
    """Draw one panel per site: bars are its labels' shares, marks those of all sites together.

    The same report gives the same bytes.

    Args:
        report: The partition.
        path: Where to write; ``.png`` or ``.svg`` decides the format.
    """
    import matplotlib
    from matplotlib.figure import Figure

    labels = list(report.labels)[:MAX_LABELS]
    columns = min(PANELS_PER_ROW, len(report.sites))
    rows = -(-len(report.sites) // columns)
    height = 0.55 + 0.21 * max(3, len(labels)) + 0.5
    figure = Figure(figsize=(1.9 + 1.75 * columns, rows * height + 0.75), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    for panel, (name, site) in zip(panels, report.sites.items(), strict=False):
        _draw_site(panel, name, site, report, labels)
    for panel in panels[len(report.sites) :]:
        panel.set_visible(False)
    panels[0].set_ylim(len(labels) - 0.4, -0.6)
    figure.suptitle(_title(report), x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    figure.supxlabel(
        f"share of the site's examples; the mark is the share over all {len(report.sites)} sites",
        fontsize=8,
        color=QUIET,
    )
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with matplotlib.rc_context({"svg.hashsalt": "medley", "svg.fonttype": "path"}):
        figure.savefig(path, dpi=160, metadata=metadata)


def _draw_site(
    panel: "Axes", name: str, site: SiteReport, report: PartitionReport, labels: list[str]
) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    size = max(1, site.train + site.held_out)
    pooled = max(1, sum(report.labels.values()))
    places = range(len(labels))
    panel.barh(places, [site.labels.get(each, 0) / size for each in labels], 0.72, color=PALETTE[0])
    marks = [report.labels[each] / pooled for each in labels]
    panel.scatter(marks, places, marker="|", s=70, linewidths=1.4, color=INK, zorder=3)
    panel.set_yticks(places, [label.replace("_", " ") for label in labels], fontsize=8)
    panel.set_title(name, fontsize=9, fontweight="bold", color=INK, loc="left", pad=16)
    panel.annotate(
        f"{size:,}, distance {site.distance:.2f}",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 5),
        textcoords="offset points",
        fontsize=8,
        color=QUIET,
    )
    panel.xaxis.set_major_locator(MaxNLocator(3))
    panel.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.tick_params(axis="x", labelsize=7, colors=QUIET, length=0)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color=GRID, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
    panel.spines["left"].set_color(FAINT)


def _title(report: PartitionReport) -> str:
    shown = "" if len(report.labels) <= MAX_LABELS else f", the {MAX_LABELS} most frequent labels"
    return f"{report.how}: mean distance {report.mean_distance:.2f}{shown}"
