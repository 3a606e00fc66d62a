"""The metrics of a benchmark as rows: one for each engine and number of adapters.

Their names are `medley_registry.benchmark_rows`'; some plain ones repeat numbers for policies, and
``pages/…`` are of pages of documents, which no adapter takes part in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from medley_registry.benchmark_rows import PLAIN_NAMES, VLLM, place_of, row_order

from medley_training.reports.records.estimate import Estimate, estimates

TRANSFORMERS = "transformers"
_PAGES = "pages/"
_PERCENTILE_NAMES = {"min": "minimum", "max": "maximum"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """How a time spreads over the requests, in milliseconds."""

    minimum: Estimate | None = None
    mean: Estimate | None = None
    p50: Estimate | None = None
    p95: Estimate | None = None
    p99: Estimate | None = None
    maximum: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory by component, in megabytes."""

    weights: Estimate | None = None
    kv_cache: Estimate | None = None
    activation: Estimate | None = None
    lora_slots: Estimate | None = None
    other: Estimate | None = None
    total: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRow:
    """What was measured with one number of adapters.

    Attributes:
        lane: `VLLM` or `TRANSFORMERS`.
        adapters: None where the engine had no LoRA slots, 0 where they stood idle.
        goodput: The share of requests within the stated limits.
        floor_ms: What a decoding step would take if memory bandwidth were all that counts.
        floor_ratio: The floor over what was measured; 1 is at the limit.
        lora_efficiency: The ideal cost of an adapter over the measured one.
        others: Columns of this row that are not known here.
    """

    lane: str
    adapters: int | None
    latency_ms: Percentiles = field(default_factory=Percentiles)
    ttft_ms: Percentiles = field(default_factory=Percentiles)
    itl_ms: Percentiles = field(default_factory=Percentiles)
    memory_mb: Memory = field(default_factory=Memory)
    tokens_per_s: Estimate | None = None
    requests_per_s: Estimate | None = None
    goodput: Estimate | None = None
    smallest_budget_mb: Estimate | None = None
    load_s: Estimate | None = None
    energy_j_per_token: Estimate | None = None
    floor_ms: Estimate | None = None
    floor_ratio: Estimate | None = None
    lora_efficiency: Estimate | None = None
    goodput_per_s: Estimate | None = None
    preemptions: Estimate | None = None
    repeats: Estimate | None = None
    requests: Estimate | None = None
    tokens: Estimate | None = None
    errors: Estimate | None = None
    others: Mapping[str, Estimate] = field(default_factory=dict)

    @property
    def slots_text(self) -> str:
        """The number of adapters in words."""
        if self.adapters is None:
            return "no LoRA"
        return str(self.adapters) if self.adapters else "slots idle"


@dataclass(frozen=True, slots=True)
class Pages:
    """How long the base took for a page of a document, and of how many; without an adapter."""

    count: Estimate | None = None
    latency_ms: Percentiles = field(default_factory=Percentiles)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """All rows of one benchmark, by lane and number of adapters, and what belongs to none."""

    rows: tuple[BenchmarkRow, ...]
    pages: Pages
    others: Mapping[str, Estimate]

    @classmethod
    def of(cls, metrics: Mapping[str, float]) -> "Benchmark":
        """Sort the metrics of evidence into rows; no metric is lost."""
        rows: dict[tuple[str, int | None], dict[str, Estimate]] = {}
        others: dict[str, Estimate] = {}
        for name, number in estimates(metrics).items():
            if place := place_of(name):
                rows.setdefault((place.engine, place.adapters), {})[place.column] = number
            else:
                others[name] = number
        told = {name for name in others if _is_repeated(name, others[name], rows)}
        rest = {name: others[name] for name in sorted(others.keys() - told)}
        pages = _pages(rest)
        ordered = sorted(rows, key=row_order)
        return cls(tuple(_row(*key, rows[key]) for key in ordered), pages, rest)

    def row(self, adapters: int | None, *, lane: str = VLLM) -> BenchmarkRow | None:
        """The row of so many adapters."""
        return next((r for r in self.rows if (r.lane, r.adapters) == (lane, adapters)), None)


def _is_repeated(
    name: str, number: Estimate, rows: Mapping[tuple[str, int | None], Mapping[str, Estimate]]
) -> bool:
    """Whether a plain name says what the row of one adapter says anyway."""
    found = rows.get((VLLM, 1), {}).get(PLAIN_NAMES.get(name, ""))
    return found is not None and found.value == number.value


def _row(lane: str, adapters: int | None, columns: Mapping[str, Estimate]) -> BenchmarkRow:
    found = dict(columns)
    parts: dict[str, Any] = {
        name: _part(Percentiles, name, found) for name in ("latency_ms", "ttft_ms", "itl_ms")
    }
    parts["memory_mb"] = _part(Memory, "memory_mb", found)
    single = {each.name for each in fields(BenchmarkRow)} - parts.keys()
    single -= {"lane", "adapters", "others"}
    parts |= {name: found.pop(name) for name in sorted(single & found.keys())}
    return BenchmarkRow(lane=lane, adapters=adapters, others=dict(sorted(found.items())), **parts)


def _pages(found: dict[str, Estimate]) -> Pages:
    """Take what is of pages out of `found`."""
    times = _part(Percentiles, f"{_PAGES}latency_ms", found)
    return Pages(found.pop(f"{_PAGES}count", None), times)


_Part = TypeVar("_Part", Percentiles, Memory)


def _part(kind: type[_Part], prefix: str, found: dict[str, Estimate]) -> _Part:
    """Take the columns below `prefix` out of `found`."""
    names = {each.name for each in fields(kind)}
    taken = {}
    for column in [column for column in found if column.startswith(f"{prefix}/")]:
        word = column.removeprefix(f"{prefix}/")
        word = _PERCENTILE_NAMES.get(word, word)
        if word in names:
            taken[word] = found.pop(column)
    return kind(**taken)
