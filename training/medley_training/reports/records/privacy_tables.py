"""What left each site in each run, as `medley train report` tells it."""

from collections.abc import Iterable

from medley_training.reports.privacy_text import (
    SMALLNESS_HEAD,
    TOTALS_HEAD,
    Row,
    absences,
    contents,
    smallness_rows,
    smallness_text,
    totals_row,
)
from medley_training.reports.records.content import Block, Bullets, Paragraph, Section, Table
from medley_training.reports.records.findings import Findings

TITLE = "Privacy and bytes sent"


def privacy_section(findings: Findings) -> Section:
    """Bytes by site of each run; then what was in them, once for runs of which it is the same."""
    blocks: list[Block] = []
    same: dict[tuple[str, ...], list[str]] = {}
    for run in findings.records.runs:
        report = run.privacy
        blocks.append(_table(TOTALS_HEAD, map(totals_row, report.totals), f"Run {run.name}."))
        blocks.append(_table(SMALLNESS_HEAD, smallness_rows(report), ""))
        told = (smallness_text(report), *contents(report), *absences(report))
        same.setdefault(told, []).append(run.name)
    for lines, names in same.items():
        blocks += [Paragraph(f"Of {', '.join(names)}:"), Bullets(lines)]
    return Section(TITLE, tuple(blocks))


def _table(head: Row, rows: Iterable[Row], caption: str) -> Table:
    return Table.of([*map(str, head)], [[*map(str, row)] for row in rows], caption)
