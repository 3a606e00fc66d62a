"""What was measured, as evidence about the versions it was measured of."""

from collections.abc import Iterator
from dataclasses import dataclass

from medley_registry import BaseMismatch, Evidence, EvidenceKind, Registry, Version
from medley_registry.canonical import Json
from medley_registry.variants import VariantKind

from medley_training.benchmarks.benchmark import Benchmark
from medley_training.benchmarks.load import Load
from medley_training.benchmarks.metrics import metrics_of, page_metrics_of
from medley_training.benchmarks.rows import Row
from medley_training.measuring.fingerprint import environment
from medley_training.measuring.variant import recorded_variant


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is in the registry now, and why something is not."""

    evidence: list[Evidence]
    refused: list[str]


def record(registry: Registry, benchmark: Benchmark, *, actor: str) -> Recorded:
    """Appends one result for each version, variant and load of which there are rows.

    Of several loads the last one is the newest evidence, which is what gates look at; it has the
    latency of pages too, which is of no load.
    """
    recorded = Recorded([], [])
    for load in benchmark.plan.loads:
        for version in benchmark.versions:
            for variant in benchmark.plan.variants:
                rows = [*_rows_of(benchmark, load, version, variant)]
                if not rows:
                    recorded.refused.append(f"{version.reference} {variant}: nothing was measured")
                    continue
                try:
                    form = benchmark.forms[variant]
                    kind = recorded_variant(registry, version, form, variant, actor=actor)
                except BaseMismatch as error:
                    recorded.refused.append(str(error))
                    continue
                recorded.evidence.append(
                    registry.evidence.add(
                        version.adapter,
                        version.number,
                        variant=kind,
                        kind=EvidenceKind.BENCHMARK,
                        suite=benchmark.plan.suite,
                        suite_digest=load.digest,
                        environment=_environment(benchmark, load, variant),
                        metrics=metrics_of(rows) | _page_metrics(benchmark, load, variant),
                        actor=actor,
                    )
                )
    return recorded


def _rows_of(
    benchmark: Benchmark, load: Load, version: Version, variant: VariantKind
) -> Iterator[Row]:
    """The rows that say something about a version: its own, and those of the base alone."""
    for row in benchmark.rows:
        is_ours = not row["versions"] or version.reference in row["versions"]
        if is_ours and row["variant"] == variant and row["load"] == load.to_json():
            yield row


def _page_metrics(benchmark: Benchmark, load: Load, variant: VariantKind) -> dict[str, float]:
    """Those of the variant, with the last load alone: each was measured once."""
    is_last = load == benchmark.plan.loads[-1]
    rows = [row for row in benchmark.pages if is_last and row["variant"] == variant]
    return page_metrics_of(rows[0]) if rows else {}


def _environment(benchmark: Benchmark, load: Load, variant: VariantKind) -> dict[str, Json]:
    return environment(benchmark.facts.get(variant, {})) | {
        "machine": benchmark.machine_json(),
        "load": load.to_json(),
        "plan": benchmark.plan_json(),
        "versions": sorted({name for row in benchmark.rows for name in row["versions"]}),
    }
