"""Metrics that no table here knows, so that none is lost; and what was measured before."""

from medley_training.amounts import counted
from medley_training.reports.records.content import Block, Bullets, Cell, Section, Table
from medley_training.reports.records.findings import Benched, Findings
from medley_training.reports.records.quantities import with_interval
from medley_training.reports.records.tables import WHICH, which

TITLE = "Other metrics"
HISTORY_TITLE = "Earlier measurements"
_HEAD = (*WHICH, "suite", "environment", "metric", "value")


def other_section(findings: Findings) -> Section:
    """A row for each metric of a benchmark that is in no other table."""
    rows = [row for each in findings.benches for row in _rows(each)]
    return Section(TITLE, (Table.of(_HEAD, rows),) if rows else ())


def history_section(findings: Findings) -> Section:
    """How many measurements the newest ones have taken the place of."""
    lines = [
        f"{' '.join(map(str, which(each)))}, {each.conditions_text}: "
        f"{counted(each.earlier, 'earlier measurement')}"
        for each in findings.records.measurements
        if each.earlier
    ]
    blocks: list[Block] = [Bullets(tuple(lines))] if lines else []
    return Section(HISTORY_TITLE, tuple(blocks))


def _rows(each: Benched) -> list[tuple[Cell, ...]]:
    measurement = each.measurement
    named = {
        f"{row.lane}, {row.slots_text} adapters: {name}": number
        for row in each.benchmark.rows
        for name, number in row.others.items()
    }
    named |= each.benchmark.others
    where = (measurement.evidence.suite, str(measurement.environment.number))
    return [
        (*which(measurement), *where, name, with_interval(number)) for name, number in named.items()
    ]
