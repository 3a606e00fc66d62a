"""Records read: benchmarks and evaluations in rows, each beside bf16's under its own conditions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from medley_registry import VariantKind

from medley_training.reports.records.benchmark_rows import Benchmark, BenchmarkRow, Pages
from medley_training.reports.records.difference import Difference, difference
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.evaluation_rows import Evaluation
from medley_training.reports.records.recorded import Measurement, Records


@dataclass(frozen=True, slots=True)
class Benched:
    """A benchmark; `baseline` is bf16's of the same version, None if there is none."""

    measurement: Measurement
    benchmark: Benchmark
    baseline: Benchmark | None

    def base_row(self, row: BenchmarkRow) -> BenchmarkRow | None:
        """Bf16's row with as many adapters in the same engine; None for bf16 itself."""
        if self.baseline is None or self.measurement.variant is VariantKind.BF16:
            return None
        return self.baseline.row(row.adapters, lane=row.lane)

    @property
    def base_pages(self) -> Pages | None:
        """Bf16's latency of pages; None for bf16 itself."""
        is_bf16 = self.measurement.variant is VariantKind.BF16
        return None if self.baseline is None or is_bf16 else self.baseline.pages


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation beside bf16's, and the difference from it; None where there is none."""

    measurement: Measurement
    evaluation: Evaluation
    baseline: Evaluation | None
    difference: Difference | None

    @property
    def metric(self) -> str | None:
        """The metric that stands for the suite."""
        return self.evaluation.headline

    @property
    def score(self) -> Estimate | None:
        """That metric's value."""
        return self.evaluation.overall.get(self.metric) if self.metric else None

    @property
    def base_score(self) -> Estimate | None:
        """The same metric of bf16."""
        return self.baseline.overall.get(self.metric) if self.baseline and self.metric else None


@dataclass(frozen=True, slots=True)
class Findings:
    """What sections are made from."""

    records: Records
    benches: tuple[Benched, ...]
    scores: tuple[Scored, ...]

    @classmethod
    def of(cls, records: Records) -> "Findings":
        benches = [
            Benched(each, Benchmark.of(each.evidence.metrics), _baseline_rows(each, records))
            for each in records.benchmarks
        ]
        return cls(
            records, tuple(benches), tuple(_scored(each, records) for each in records.evaluations)
        )


_Found = TypeVar("_Found", bound=Benched | Scored)


def by_conditions(found: Iterable[_Found]) -> list[list[_Found]]:
    """Those that may be compared, together; groups and members in a fixed order."""
    groups: dict[tuple[object, ...], list[_Found]] = {}
    for each in sorted(found, key=lambda each: each.measurement.order):
        groups.setdefault(each.measurement.conditions, []).append(each)
    return [*groups.values()]


def _scored(each: Measurement, records: Records) -> Scored:
    evaluation = Evaluation.of(each.evidence.metrics)
    baseline = _bf16(each, records.evaluations)
    apart = None
    if baseline and baseline is not each and evaluation.headline:
        apart = difference(
            each.items, baseline.items, suite=each.evidence.suite, metric=evaluation.headline
        )
    return Scored(
        each, evaluation, Evaluation.of(baseline.evidence.metrics) if baseline else None, apart
    )


def _baseline_rows(each: Measurement, records: Records) -> Benchmark | None:
    baseline = _bf16(each, records.benchmarks)
    return Benchmark.of(baseline.evidence.metrics) if baseline else None


def _bf16(each: Measurement, among: Sequence[Measurement]) -> Measurement | None:
    """Bf16's measurement of the same version under the same conditions."""
    key = (each.version.reference, VariantKind.BF16, each.conditions)
    return next((m for m in among if (m.version.reference, m.variant, m.conditions) == key), None)
