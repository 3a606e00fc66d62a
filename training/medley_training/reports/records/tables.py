"""What begins the rows of several tables."""

from medley_training.reports.records.benchmark_rows import BenchmarkRow
from medley_training.reports.records.content import Cell
from medley_training.reports.records.recorded import Measurement

WHICH = ("version", "variant")
WHICH_ROW = (*WHICH, "engine", "adapters")


def which(each: Measurement) -> tuple[Cell, ...]:
    """Below `WHICH`."""
    return each.version.reference, each.variant.value


def which_row(each: Measurement, row: BenchmarkRow) -> tuple[Cell, ...]:
    """Below `WHICH_ROW`."""
    return *which(each), row.lane, row.slots_text
