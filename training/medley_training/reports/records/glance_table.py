"""A version's variants in a few figures each."""

from medley_registry.benchmark_rows import VLLM

from medley_training.reports.records.benchmark_rows import BenchmarkRow
from medley_training.reports.records.contender import Contender, Field
from medley_training.reports.records.content import Cell, Table
from medley_training.reports.records.quantities import (
    change,
    megabytes,
    milliseconds,
    plain,
    with_interval,
)
from medley_training.rounds.event_text import metric_name

_HEAD = (
    *("variant", "weights", "against bf16", "smallest budget", "between tokens, p95"),
    *("against bf16", "tokens/s", "against bf16"),
)
_UNMEASURED = BenchmarkRow(lane=VLLM, adapters=None)


def glance_table(field: Field) -> Table:
    """A row for each variant; accuracy in a column for each suite."""
    suites = dict.fromkeys(suite for c in field.contenders for suite in _scores(c))
    rows = [
        (*_row(c, field.bf16), *(_scores(c).get(suite, with_interval(None)) for suite in suites))
        for c in field.contenders
    ]
    caption = ", ".join(filter(None, (field.title, field.suite, field.slots_text)))
    table = Table.of((*_HEAD, *suites), rows, f"{caption}.")
    return table.without_empty_columns()


def _row(contender: Contender, bf16: Contender | None) -> tuple[Cell, ...]:
    row = contender.row or _UNMEASURED
    base = (bf16.row if bf16 and contender is not bf16 else None) or _UNMEASURED
    return (
        contender.variant.value,
        megabytes(row.memory_mb.weights),
        change(row.memory_mb.weights, base.memory_mb.weights),
        megabytes(row.smallest_budget_mb),
        milliseconds(row.itl_ms.p95),
        change(row.itl_ms.p95, base.itl_ms.p95),
        plain(row.tokens_per_s),
        change(row.tokens_per_s, base.tokens_per_s),
    )


def _scores(contender: Contender) -> dict[str, Cell]:
    """By suite and the metric that stands for it."""
    return {
        f"{each.measurement.evidence.suite}, {metric_name(each.metric)}": with_interval(each.score)
        for each in contender.scores
        if each.metric
    }
