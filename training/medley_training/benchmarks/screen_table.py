"""Rows for people."""

from collections.abc import Iterable, Sequence

from medley_training.benchmarks.rows import Row

COLUMNS = (
    *("LOAD", "ENGINE", "VARIANT", "ADAPTERS", "TTFT p50", "ITL p50", "LATENCY p95", "TOKENS/S"),
    *("GOODPUT", "MEMORY MB", "WEIGHTS", "KV", "LORA", "FLOOR", "LORA EFF.", "LOADED", "ERRORS"),
)

PAGE_COLUMNS = ("VARIANT", "PAGES", "A PAGE p50", "p95", "MAX")


def table_rows(rows: Iterable[Row]) -> list[Sequence[str]]:
    """The columns that are looked at first; times are milliseconds, memory is megabytes."""
    return [_cells(row) for row in rows]


def page_table_rows(rows: Iterable[Row]) -> list[Sequence[str]]:
    """The latency of a document's page, in milliseconds."""
    return [
        (
            row["variant"],
            str(row["pages"]),
            *(_number(row["page_ms"].get(name)) for name in ("p50", "p95", "max")),
        )
        for row in rows
    ]


def adapters_text(row: Row) -> str:
    """For example ``no LoRA``, ``slots idle``, ``4``."""
    return {"none": "no LoRA", "idle": "slots idle"}.get(row["slots"], str(row["adapters"]))


def load_text(row: Row) -> str:
    """For example ``8 at once, 128+64``."""
    load = row["load"]
    come = f"{load['rate_per_s']:g}/s" if "rate_per_s" in load else f"{load['concurrency']} at once"
    return f"{come}, {load['input_tokens']}+{load['output_tokens']}"


def _cells(row: Row) -> Sequence[str]:
    memory = row["memory_mb"]
    budget = "" if row["smallest_budget_mb"] is not None else " (preempted)"
    return (
        load_text(row),
        row["engine"],
        row["variant"],
        adapters_text(row),
        _with_interval(row, "ttft_ms"),
        _with_interval(row, "itl_ms"),
        _number(row["latency_ms"].get("p95")),
        _number(row["tokens_per_s"]),
        f"{row['goodput']:.0%}",
        f"{_number(memory['total'])}{budget}",
        *(_number(memory[name]) for name in ("weights", "kv_cache", "lora_slots")),
        _share(row["floor_ratio"]),
        _share(row["lora_efficiency"]),
        f"{row['load_s']:.0f} s",
        str(row["errors"]) if row["errors"] else "",
    )


def _with_interval(row: Row, column: str) -> str:
    middle = _number(row[column].get("p50"))
    if (ends := row["ci"].get(f"{column}/p50")) is None:
        return middle
    return f"{middle} [{_number(ends[0])}, {_number(ends[1])}]"


def _number(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
