"""The variants of one version in one environment, side by side with comparable numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from medley_registry import VariantKind, Version
from medley_registry.benchmark_rows import VLLM

from medley_training.amounts import counted
from medley_training.reports.records.benchmark_rows import BenchmarkRow
from medley_training.reports.records.environment import Environment
from medley_training.reports.records.findings import Benched, Findings, Scored, by_conditions


@dataclass(frozen=True, slots=True)
class Contender:
    """A variant.

    Attributes:
        row: Its benchmark with as many adapters as the others'; None if it was not measured so.
        scores: Its evaluations by suite.
    """

    variant: VariantKind
    row: BenchmarkRow | None
    scores: tuple[Scored, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """All contenders of a version in an environment, bf16 first.

    Attributes:
        suite: The benchmark's with its load; empty if there is none.
    """

    version: Version
    environment: Environment
    suite: str
    contenders: tuple[Contender, ...]

    @property
    def bf16(self) -> Contender | None:
        return next((c for c in self.contenders if c.variant is VariantKind.BF16), None)

    @property
    def slots_text(self) -> str:
        """With how many adapters the rows were measured."""
        row = next((c.row for c in self.contenders if c.row), None)
        if row is None:
            return ""
        return counted(row.adapters, "adapter") if row.adapters else row.slots_text

    @property
    def title(self) -> str:
        return f"{self.version.reference}, {self.environment.title}"


def fields(findings: Findings) -> tuple[Field, ...]:
    """One for each leading version and environment it was measured in."""
    measurements = findings.records.measurements
    places = {each.environment.number: each.environment for each in measurements}
    found = [
        _field(findings, version, places[number])
        for version in findings.records.leading
        for number in sorted(places)
    ]
    return tuple(each for each in found if each.contenders)


def _field(findings: Findings, version: Version, place: Environment) -> Field:
    benches = _widest([b for b in findings.benches if _is_at(b, version, place)])
    scores = [s for s in findings.scores if _is_at(s, version, place)]
    rows = _rows(benches)
    kinds = {each.measurement.variant for each in benches}
    kinds |= {each.measurement.variant for each in scores}
    contenders = tuple(
        Contender(kind, rows.get(kind), tuple(s for s in scores if s.measurement.variant is kind))
        for kind in VariantKind
        if kind in kinds
    )
    suite = benches[0].measurement.suite_text if benches else ""
    return Field(version, place, suite, contenders)


def _is_at(each: Benched | Scored, version: Version, place: Environment) -> bool:
    at = each.measurement
    return (at.version.reference, at.environment) == (version.reference, place)


def _widest(benches: Sequence[Benched]) -> list[Benched]:
    """The conditions under which most variants were measured; of equals the heaviest load."""
    return max(reversed(by_conditions(benches)), key=len, default=[])


def _rows(benches: Sequence[Benched]) -> dict[VariantKind, BenchmarkRow]:
    """Every variant's row with the same number of adapters: one if all have it."""
    shared = [{row.adapters for row in each.benchmark.rows if row.lane == VLLM} for each in benches]
    common = set.intersection(*shared) if shared else set()
    with_some = [adapters for adapters in common if adapters]
    if not common:
        return {}
    adapters = min(with_some) if with_some else min(common, key=lambda number: number is None)
    found = {each.measurement.variant: each.benchmark.row(adapters) for each in benches}
    return {kind: row for kind, row in found.items() if row}
