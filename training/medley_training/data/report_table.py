"""A partition's report for the terminal."""

from io import StringIO

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from medley_training.data.report import PartitionReport

MAX_LABELS = 24
"""Rarer labels than this many share one row."""


def render_report(report: PartitionReport) -> Group:
    """The report as a table of labels by sites, under a line that says how the split was made."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for site in (*report.sites, "all"):
        table.add_column(site, justify="right")
    sites = report.sites.values()
    table.add_row("learns from", *_row([each.train for each in sites]))
    table.add_row("holds out", *_row([each.held_out for each in sites]))
    distances = [f"{each.distance:.2f}" for each in sites]
    table.add_row("distance to all", *distances, f"{report.mean_distance:.2f}")
    table.add_section()
    labels = list(report.labels)
    shown = labels if len(labels) <= MAX_LABELS else labels[: MAX_LABELS - 1]
    for label in shown:
        table.add_row(
            Text(label.replace("_", " ")), *_row([each.labels.get(label, 0) for each in sites])
        )
    rest = labels[len(shown) :]
    if rest:
        counts = [sum(each.labels.get(label, 0) for label in rest) for each in sites]
        table.add_row(f"{len(rest)} other labels", *_row(counts))
    return Group(Text(_summary(report)), table)


def report_text(report: PartitionReport, *, width: int = 100) -> str:
    """What `render_report` shows, as plain text."""
    console = Console(file=StringIO(), width=width, color_system=None)
    with console.capture() as capture:
        console.print(render_report(report))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _row(counts: list[int]) -> list[str]:
    return [*(str(count) if count else "·" for count in counts), str(sum(counts))]


def _summary(report: PartitionReport) -> str:
    parts = [report.how, "no chat is in two parts"]
    if report.draws > 1:
        parts.append(f"draw {report.draws} was the first with enough at each site")
    if report.copies:
        parts.append(f"{report.copies} copies left out")
    if report.shared_groups:
        parts.append(f"{report.shared_groups} groups at several sites")
    if report.root:
        parts.append(f"{report.root} withheld for the coordinator")
    return "; ".join(parts)
