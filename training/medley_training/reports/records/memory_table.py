"""Memory by component, and what it is against bf16."""

from medley_training.reports.records.benchmark_rows import BenchmarkRow, Memory
from medley_training.reports.records.content import Block, Cell, Section, Table
from medley_training.reports.records.findings import Benched, Findings, by_conditions
from medley_training.reports.records.quantities import change, megabytes
from medley_training.reports.records.tables import WHICH_ROW, which_row

TITLE = "Memory"
_HEAD = (
    *WHICH_ROW,
    *("weights", "KV cache", "activation", "LoRA slots", "other", "total"),
    *("weights against bf16", "total against bf16", "smallest budget", "budget against bf16"),
)


def memory_section(findings: Findings) -> Section:
    """A table for each set of conditions."""
    blocks: list[Block] = []
    for group in by_conditions(findings.benches):
        rows = [_row(each, row) for each in group for row in each.benchmark.rows if _is_told(row)]
        if rows:
            where = group[0].measurement.conditions_text
            caption = f"{where}; changes are against bf16 with as many adapters."
            blocks.append(Table.of(_HEAD, rows, caption).without_empty_columns())
    return Section(TITLE, tuple(blocks))


def _is_told(row: BenchmarkRow) -> bool:
    return row.memory_mb != Memory() or row.smallest_budget_mb is not None


def _row(each: Benched, row: BenchmarkRow) -> tuple[Cell, ...]:
    memory, base = row.memory_mb, each.base_row(row)
    base_memory = base.memory_mb if base else Memory()
    return (
        *which_row(each.measurement, row),
        megabytes(memory.weights),
        megabytes(memory.kv_cache),
        megabytes(memory.activation),
        megabytes(memory.lora_slots),
        megabytes(memory.other),
        megabytes(memory.total),
        change(memory.weights, base_memory.weights),
        change(memory.total, base_memory.total),
        megabytes(row.smallest_budget_mb),
        change(row.smallest_budget_mb, base.smallest_budget_mb if base else None),
    )
