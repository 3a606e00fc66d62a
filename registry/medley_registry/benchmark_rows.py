"""Rows of a benchmark out of its evidence, whose metrics are flat numbers.

A metric is named by its row and its place in it: `a1/latency_ms/p50` is the median latency with one
adapter in use. Rows are `anone` (an engine without adapter slots), `a0` (slots that nobody uses),
`a1`, `a4` and so on; those of transformers have its name before, as in `transformers/a1`.
"""

import re
from dataclasses import dataclass
from typing import Any

from medley_registry.evidence import Evidence

_METRIC = re.compile(r"(?:(?P<engine>transformers)/)?a(?P<adapters>none|\d+)/(?P<column>.+)")
_BOUNDS = {"ci_low": 0, "ci_high": 1}
_TAKEN = frozenset(
    {"version", "suite", "variant", "engine", "adapters", "slots", "load", "evidence", "ci"}
)
VLLM = "vllm"
PLAIN_NAMES = {
    "latency_p95_ms": "latency_ms/p95",
    "ttft_p95_ms": "ttft_ms/p95",
    "tokens_per_s": "tokens_per_s",
    "memory_mb": "memory_mb/total",
}
"""What evidence says a second time under a plain name, for policies: columns of the row `a1`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a metric stands: in whose row, and in which column of it.

    Attributes:
        engine: `VLLM` or "transformers".
        adapters: None for an engine without adapter slots, 0 for slots that nobody used.
        column: Such as "latency_ms/p50".
    """

    engine: str
    adapters: int | None
    column: str


def place_of(metric: str) -> Place | None:
    """The place that a metric's name says; None for a name that is of no row."""
    if (found := _METRIC.fullmatch(metric)) is None:
        return None
    adapters = None if found["adapters"] == "none" else int(found["adapters"])
    return Place(found["engine"] or VLLM, adapters, found["column"])


def benchmark_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """One row for each number of adapters and engine that were measured.

    A row says whose it is and under which load (None where the evidence does not), has the measured
    numbers in their places, and their intervals in `ci`, by the metric's name:
    `{"tokens_per_s": [low, high]}`. Metrics that belong to no row are left out: they repeat one
    under a plain name. So are those whose place in the row is taken: evidence may name its metrics
    as it likes.
    """
    rows: dict[tuple[str, int | None], dict[str, Any]] = {}
    for name, value in sorted(evidence.metrics.items()):
        if (place := place_of(name)) is not None:
            key = (place.engine, place.adapters)
            _put(rows.setdefault(key, _row_of(evidence, *key)), place.column, value)
    return [rows[key] for key in sorted(rows, key=row_order)]


def row_order(key: tuple[str, int | None]) -> tuple[bool, int]:
    """Sorts rows by engine and number of adapters: vLLM's first, and first those without slots."""
    engine, adapters = key
    return engine != VLLM, -1 if adapters is None else adapters


def _row_of(evidence: Evidence, engine: str, adapters: int | None) -> dict[str, Any]:
    slots = {None: "none", 0: "idle"}.get(adapters, "used")
    return {
        "version": f"{evidence.adapter}:{evidence.number}",
        "suite": evidence.suite,
        "variant": evidence.variant.value,
        "engine": engine,
        "adapters": adapters or 0,
        "slots": slots,
        "load": evidence.environment.get("load"),
        "evidence": str(evidence.digest),
    }


def _put(row: dict[str, Any], column: str, value: float) -> None:
    head, _, last = column.rpartition("/")
    if head and last in _BOUNDS:
        row.setdefault("ci", {}).setdefault(head, [None, None])[_BOUNDS[last]] = value
        return
    if column.partition("/")[0] in _TAKEN:
        return
    *parents, name = column.split("/")
    inside = row
    for parent in parents:
        inside = inside.setdefault(parent, {})
        if not isinstance(inside, dict):  # a number has that name already
            return
    inside.setdefault(name, value)
