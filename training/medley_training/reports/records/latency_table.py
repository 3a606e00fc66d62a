"""Times of requests, throughput, and how near that is to what the machine could do."""

from collections.abc import Callable, Iterable

from medley_registry.benchmark_rows import VLLM

from medley_training.reports.records.benchmark_rows import (
    TRANSFORMERS,
    BenchmarkRow,
    Pages,
    Percentiles,
)
from medley_training.reports.records.content import Block, Cell, Section, Table
from medley_training.reports.records.findings import Benched, Findings, by_conditions
from medley_training.reports.records.quantities import (
    change,
    milliseconds,
    percent,
    plain,
    ratio,
    seconds,
    whole,
    with_interval,
)
from medley_training.reports.records.tables import WHICH, WHICH_ROW, which, which_row

TITLE = "Latency and throughput"
LANES_TITLE = "vLLM beside transformers"
_TIMES: dict[str, Callable[[BenchmarkRow], Percentiles]] = {
    "Time to first token": lambda row: row.ttft_ms,
    "Between tokens": lambda row: row.itl_ms,
    "End to end": lambda row: row.latency_ms,
}
_TIMES_HEAD = (
    *WHICH_ROW,
    *("min", "mean", "p50", "p95", "p99", "max", "interval of p50", "p95 against bf16"),
)
_RATES_HEAD = (
    *WHICH_ROW,
    *(
        "tokens/s",
        "against bf16",
        "requests/s",
        "goodput",
        "good requests/s",
        "J/token",
        "load time",
    ),
    *("repeats", "requests", "tokens", "preemptions", "errors"),
)
_LIMIT_HEAD = (*WHICH_ROW, "floor of a step", "of the floor reached", "LoRA efficiency")
_PAGES_HEAD = (
    *WHICH,
    *("pages", "min", "mean", "p50", "p95", "p99", "max", "p50 against bf16"),
)
_LANES_HEAD = (
    *(*WHICH, "adapters", "tokens/s", "between tokens, p50", "end to end, p50", "memory"),
    "weights",
)


def latency_section(findings: Findings) -> Section:
    """For each set of conditions: tables of times, of rates, of limits, of pages."""
    blocks: list[Block] = []
    for group in by_conditions(findings.benches):
        where = group[0].measurement.conditions_text
        for title, times in _TIMES.items():
            rows = [_times_row(each, row, times) for each, row in _rows(group, times)]
            blocks += _table(_TIMES_HEAD, rows, f"{title}: {where}.")
        every = [(each, row) for each in group for row in each.benchmark.rows]
        rates = [_rates_row(each, row) for each, row in every if _has_rate(row)]
        blocks += _table(_RATES_HEAD, rates, f"Throughput: {where}.")
        limits = [_limit_row(each, row) for each, row in every if _has_limit(row)]
        caption = f"Limits: {where}. A step's floor is what reading its bytes takes."
        blocks += _table(_LIMIT_HEAD, limits, caption)
        pages = [_pages_row(each) for each in group if each.benchmark.pages != Pages()]
        blocks += _table(_PAGES_HEAD, pages, f"A document's page, no adapter: {where}.")
    return Section(TITLE, tuple(blocks))


def lanes_section(findings: Findings) -> Section:
    """How many times as much vLLM takes or gives as transformers did on the same load."""
    blocks: list[Block] = []
    for group in by_conditions(findings.benches):
        rows = [
            _lanes_row(each, row, other)
            for each in group
            for row in each.benchmark.rows
            if row.lane == VLLM
            if (other := each.benchmark.row(row.adapters, lane=TRANSFORMERS))
        ]
        caption = f"vLLM over transformers: {group[0].measurement.conditions_text}."
        blocks += _table(_LANES_HEAD, rows, caption)
    return Section(LANES_TITLE, tuple(blocks))


def _rows(
    group: Iterable[Benched], times: Callable[[BenchmarkRow], Percentiles]
) -> list[tuple[Benched, BenchmarkRow]]:
    return [
        (each, row) for each in group for row in each.benchmark.rows if times(row) != Percentiles()
    ]


def _table(head: tuple[str, ...], rows: list[tuple[Cell, ...]], caption: str) -> list[Block]:
    return [Table.of(head, rows, caption).without_empty_columns()] if rows else []


def _times_row(
    each: Benched, row: BenchmarkRow, times: Callable[[BenchmarkRow], Percentiles]
) -> tuple[Cell, ...]:
    found, base = times(row), each.base_row(row)
    middle = with_interval(found.p50)
    return (
        *which_row(each.measurement, row),
        *_percentiles(found),
        middle.text.partition(" ")[2],
        change(found.p95, times(base).p95 if base else None),
    )


def _percentiles(found: Percentiles) -> tuple[Cell, ...]:
    """Below ``min`` to ``max``."""
    return (
        milliseconds(found.minimum),
        milliseconds(found.mean),
        milliseconds(found.p50),
        milliseconds(found.p95),
        milliseconds(found.p99),
        milliseconds(found.maximum),
    )


def _pages_row(each: Benched) -> tuple[Cell, ...]:
    found = each.benchmark.pages
    base = each.base_pages.latency_ms if each.base_pages else None
    return (
        *which(each.measurement),
        whole(found.count),
        *_percentiles(found.latency_ms),
        change(found.latency_ms.p50, base.p50 if base else None),
    )


def _has_rate(row: BenchmarkRow) -> bool:
    told = (row.tokens_per_s, row.requests_per_s, row.goodput, row.load_s, row.repeats, row.errors)
    return any(number is not None for number in told)


def _rates_row(each: Benched, row: BenchmarkRow) -> tuple[Cell, ...]:
    base = each.base_row(row)
    return (
        *which_row(each.measurement, row),
        with_interval(row.tokens_per_s),
        change(row.tokens_per_s, base.tokens_per_s if base else None),
        plain(row.requests_per_s),
        percent(row.goodput),
        plain(row.goodput_per_s),
        plain(row.energy_j_per_token),
        seconds(row.load_s),
        whole(row.repeats),
        whole(row.requests),
        whole(row.tokens),
        whole(row.preemptions),
        whole(row.errors),
    )


def _has_limit(row: BenchmarkRow) -> bool:
    told = (row.floor_ms, row.floor_ratio, row.lora_efficiency)
    return any(number is not None for number in told)


def _limit_row(each: Benched, row: BenchmarkRow) -> tuple[Cell, ...]:
    return (
        *which_row(each.measurement, row),
        milliseconds(row.floor_ms),
        percent(row.floor_ratio),
        percent(row.lora_efficiency),
    )


def _lanes_row(each: Benched, row: BenchmarkRow, other: BenchmarkRow) -> tuple[Cell, ...]:
    return (
        *which(each.measurement),
        row.slots_text,
        ratio(row.tokens_per_s, other.tokens_per_s),
        ratio(row.itl_ms.p50, other.itl_ms.p50),
        ratio(row.latency_ms.p50, other.latency_ms.p50),
        ratio(row.memory_mb.total, other.memory_mb.total),
        ratio(row.memory_mb.weights, other.memory_mb.weights),
    )
