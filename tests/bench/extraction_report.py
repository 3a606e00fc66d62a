"""What a bench of extraction found: one JSON document, a table and plots."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from medley.results import Extraction

from tests.bench.extraction_documents import LEVELS, Case
from tests.bench.extraction_figures import Figure, Timed, calibration, figures, times
from tests.bench.extraction_metrics import JudgedValue, Tallies, judged, tallies

BAR = 0.835
"""Combined: what the starting report reached on its own documents with a base of 7B parameters."""
ALL = "all"
_COLUMNS = {
    "term_f1": "term",
    "value_f1": "value",
    "combined": "combined",
    "row_exact_f1": "rows",
    "critical_per_row": "critical",
    "false_fills": "fills",
    "document_exact": "whole",
    "normal_combined": "normal",
    "grounded": "grounded",
    "box_iou": "IoU",
    "box_half": "IoU>.5",
    "invalid_json": "invalid",
    "failed": "failed",
}
Groups = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class _Group:
    documents: dict[str, Tallies] = field(default_factory=dict)
    judged: list[JudgedValue] = field(default_factory=list)
    timed: list[Timed] = field(default_factory=list)


def arm_report(lines: Iterable[tuple[Case, Mapping[str, Any]]]) -> dict[str, Any]:
    """One arm's figures by level and by type, and which versions answered."""
    groups: dict[tuple[str, str], _Group] = {}
    versions: set[str] = set()
    for case, line in lines:
        given, error = line.get("extraction"), line.get("error", {}).get("code")
        extraction = None if given is None else Extraction.model_validate(given)
        counted = tallies(case, extraction, error)
        values = judged(case, extraction) if extraction else []
        for level in (case.level, ALL):
            for kind in (case.document_type.value, ALL):
                group = groups.setdefault((level, kind), _Group())
                group.documents[case.name] = counted
                group.judged += values
                if extraction:
                    group.timed.append(Timed(line["took_s"], case.num_pages, extraction.usage))
        if extraction:
            versions.add(extraction.model.adapter_digest or extraction.model.base)
    order = [*LEVELS, ALL]
    by_level: dict[str, dict[str, Any]] = {level: {} for level in order}
    for (level, kind), group in sorted(groups.items()):
        by_level[level][kind] = _figures(group, is_whole=kind == ALL)
    return {"versions": sorted(versions), "levels": {k: v for k, v in by_level.items() if v}}


def _figures(group: _Group, *, is_whole: bool) -> dict[str, Any]:
    found = {
        "documents": len(group.documents),
        "metrics": figures(group.documents),
        "time": times(group.timed),
    }
    return found | ({"calibration": calibration(group.judged)} if is_whole else {})


def table(arms: Groups) -> str:
    """Every arm, level and type in percent; intervals of 95 % behind the combined figure."""
    head = ["arm", "level", "type", "docs", *_COLUMNS.values(), "s/page p50", "p95"]
    rows = [head]
    for arm, report in arms.items():
        for level, kinds in report["levels"].items():
            ordered = sorted(kinds, key=lambda each: (each != ALL, each))
            rows.extend([arm, level, kind, *_cells(kinds[kind])] for kind in ordered)
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _cells(found: Mapping[str, Any]) -> list[str]:
    metrics = cast("dict[str, Figure]", found["metrics"])
    cells = [str(found["documents"])]
    cells += [_percent(metrics.get(name), name == "combined") for name in _COLUMNS]
    time = found["time"]
    return [*cells, *(f"{time[f'page_s_{q}']:.1f}" if time else "-" for q in ("p50", "p95"))]


def _percent(figure: Figure | None, with_interval: bool) -> str:
    if figure is None or figure["value"] is None:
        return "-"
    shown = f"{100 * figure['value']:.1f}"
    if not with_interval or figure["low"] is None or figure["high"] is None:
        return shown
    return f"{shown} ({100 * figure['low']:.1f}-{100 * figure['high']:.1f})"


def plot(arms: Groups, folder: Path) -> list[Path]:
    """Combined accuracy by level, and how sure the arms are against how right."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {"extraction-accuracy.svg": _accuracy(arms)}
    sure = {arm: found for arm, report in arms.items() if (found := _confident(report))}
    if sure:
        drawn["extraction-calibration.svg"] = _reliability(sure)
    for name, svg in drawn.items():
        (folder / name).write_text(svg, encoding="utf-8")
    return [folder / name for name in drawn]


def _confident(report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] = report["levels"][ALL][ALL]["calibration"]
    return found if found["values"] else None


def _accuracy(arms: Groups) -> str:
    from medley_training.chart import PALETTE, QUIET, Chart

    chart = Chart("Documents to records", ["Combined accuracy by how the page came, percent"])
    axes = chart.panels[0]
    width = 0.8 / len(arms)
    for at, (arm, report) in enumerate(arms.items()):
        for place, level in enumerate(LEVELS):
            if level not in report["levels"]:
                continue
            figure: Figure = report["levels"][level][ALL]["metrics"]["combined"]
            value, x = 100 * (figure["value"] or 0.0), place + (at - (len(arms) - 1) / 2) * width
            label = arm if place == 0 else None
            axes.bar(x, value, width * 0.9, color=PALETTE[at % len(PALETTE)], label=label)
            if figure["low"] is not None and figure["high"] is not None:
                axes.plot([x, x], [100 * figure["low"], 100 * figure["high"]], color="black", lw=1)
    axes.axhline(100 * BAR, color=QUIET, lw=1, ls="--")
    axes.set_xticks(range(len(LEVELS)), LEVELS)
    axes.set_ylim(0, 100)
    axes.legend(frameon=False, ncols=len(arms), loc="upper right")
    return chart.svg()


def _reliability(arms: Mapping[str, Mapping[str, Any]]) -> str:
    from medley_training.chart import FAINT, PALETTE, Chart

    panels = ["Share of values that are right, by confidence", "Errors caught, by share reviewed"]
    chart = Chart("Is a confidence what it says?", panels)
    right, review = chart.panels
    right.plot([0, 1], [0, 1], color=FAINT, lw=1)
    review.plot([0, 1], [0, 1], color=FAINT, lw=1)
    for at, (arm, found) in enumerate(arms.items()):
        colour = PALETTE[at % len(PALETTE)]
        bins: Sequence[Mapping[str, float]] = found["bins"]
        xs, ys = [b["confidence"] for b in bins], [b["right"] for b in bins]
        right.plot(xs, ys, color=colour, marker="o", label=arm)
        below: Sequence[Mapping[str, float]] = found["review_below"]
        points = [(0.0, 0.0), *((t["reviewed"], t["errors_caught"]) for t in below), (1.0, 1.0)]
        review.plot(*zip(*points, strict=True), color=colour, marker="o")
    right.legend(frameon=False)
    return chart.svg()
