"""What is in the registry after a benchmark, and in the folder that was asked for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry import EvidenceKind, Registry, VariantKind, open_registry
from medley_training.benchmarks.answer import Slo
from medley_training.benchmarks.benchmark import Benchmark
from medley_training.benchmarks.condition import Condition, SlotUse
from medley_training.benchmarks.lane import Engine
from medley_training.benchmarks.output import write_output
from medley_training.benchmarks.plan import Plan
from medley_training.benchmarks.recording import record

from tests.builders import TINY, make_adapter, make_base
from tests.unit.training.benchmarks.made import LOAD, MACHINE, NONE, measured, row

BF16, NF4 = VariantKind.BF16, VariantKind.NF4


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "real", create=True) as opened:
        opened.add_base(TINY, make_base(tmp_path / "base"), actor="x")
        for fill in (1, 2):
            opened.publish(
                make_adapter(tmp_path / f"a{fill}", fill=fill), name="notes", base=TINY, actor="x"
            )
        yield opened


def _benchmark(registry: Registry) -> Benchmark:
    """Two variants and two versions; each version was measured alone."""
    base = registry.base(TINY)
    alone = [Condition(SlotUse.USED, (f"notes:{number}",)) for number in (1, 2)]
    seen = [
        measured(condition, variant=variant)
        for variant in (BF16, NF4)
        for condition in (NONE, *alone)
    ]
    seen.append(measured(alone[0], engine=Engine.TRANSFORMERS))
    return Benchmark(
        plan=Plan(variants=(BF16, NF4), counts=(None, 1), loads=(LOAD,), repeats=2, slo=Slo()),
        base=base,
        versions=[registry.resolve("notes:1"), registry.resolve("notes:2")],
        forms={BF16: base, NF4: base},
        machine=MACHINE,
        engine_flags=["--enforce-eager"],
        measured=seen,
        rows=[row(each) for each in seen],
        pages=[],
        facts={BF16: {"engine": "vllm 0", "kernel": "k", "memory_bytes": {}}},
        not_measured=[],
        together=True,
    )


def test_each_version_and_variant_gets_its_evidence(registry: Registry) -> None:
    benchmark = _benchmark(registry)

    found = record(registry, benchmark, actor="ada")

    assert [(one.number, one.variant) for one in found.evidence] == [
        (1, BF16),
        (1, NF4),
        (2, BF16),
        (2, NF4),
    ]
    first = registry.evidence.of("notes", 1)[0]
    assert (first.kind, first.suite) == (EvidenceKind.BENCHMARK, "bench")
    assert first.suite_digest == LOAD.digest
    assert first.environment["engine"] == {"engine": "vllm 0", "kernel": "k"}
    assert first.environment["load"] == LOAD.to_json()
    assert first.environment["plan"] == benchmark.plan_json()
    assert first.metrics["transformers/a1/tokens_per_s"] > 0
    assert {"anone/tokens_per_s", "a1/tokens_per_s", "memory_mb"} <= first.metrics.keys()
    assert "transformers/a1/tokens_per_s" not in registry.evidence.of("notes", 2)[0].metrics


def test_a_variant_that_stands_for_another_base_is_not_recorded(
    registry: Registry, tmp_path: Path
) -> None:
    other = make_base(tmp_path / "nf4", fill=5)
    registry.add_base("tiny-nf4", other, actor="x", derived_from=TINY, recipe={"method": "nf4"})
    recipe = {"served": "unmerged"}
    registry.evidence.add_variant("notes", 1, NF4, base="tiny-nf4", recipe=dict(recipe), actor="x")

    found = record(registry, _benchmark(registry), actor="ada")

    assert [(one.number, one.variant) for one in found.evidence] == [(1, BF16), (2, BF16), (2, NF4)]
    assert "another nf4 variant" in found.refused[0]


def test_a_version_that_no_row_is_about_gets_no_evidence_and_no_variant(registry: Registry) -> None:
    benchmark = _benchmark(registry)
    rows = [row for row in benchmark.rows if "notes:1" in row["versions"]]

    found = record(registry, replace(benchmark, rows=rows), actor="ada")

    assert {one.number for one in found.evidence} == {1}
    assert found.refused == [f"notes:2 {kind}: nothing was measured" for kind in (BF16, NF4)]
    assert [one.kind for one in registry.evidence.variants("notes", 2)] == [BF16]


def test_the_latency_of_pages_is_evidence_about_its_variant_with_the_last_load(
    registry: Registry,
) -> None:
    benchmark = _benchmark(registry)
    heavier = replace(LOAD, concurrency=4)
    plan = replace(benchmark.plan, loads=(LOAD, heavier))
    more = [row | {"load": heavier.to_json()} for row in benchmark.rows]
    pages = [{"variant": "nf4", "pages": 8, "page_ms": {"p50": 812.0, "max": 905.0}}]

    record(
        registry,
        replace(benchmark, plan=plan, rows=[*benchmark.rows, *more], pages=pages),
        actor="ada",
    )

    told = [
        (one.variant, one.suite_digest, one.metrics["pages/latency_ms/p50"])
        for one in registry.evidence.of("notes", 1)
        if "pages/count" in one.metrics
    ]
    assert told == [(NF4, heavier.digest, 812.0)]


def test_the_folder_holds_rows_a_line_for_each_turn_and_plots(
    registry: Registry, tmp_path: Path
) -> None:
    benchmark = _benchmark(registry)

    paths = write_output(benchmark, tmp_path / "out")

    rows = json.loads((tmp_path / "out" / "rows.json").read_text())
    turns = (tmp_path / "out" / "requests.jsonl").read_text().splitlines()
    assert len(rows["rows"]) == len(benchmark.rows)
    assert len(turns) == 2 * len(benchmark.measured)
    assert len(json.loads(turns[0])["answers"]) == 2
    plots = {path.name for path in paths if path.parent.name == "plots"}
    assert {"memory-1.png", "time_per_token-1.svg", "floor-1.png", "throughput-1.png"} <= plots
