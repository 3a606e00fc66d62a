"""Rows, their numbers in evidence, and how they look."""

from typing import Any

import pytest
from medley_registry.variants import VariantKind
from medley_training.benchmarks.answer import Slo
from medley_training.benchmarks.condition import Condition, SlotUse
from medley_training.benchmarks.lane import Engine
from medley_training.benchmarks.load import Load, LoadKind
from medley_training.benchmarks.memory import Memory
from medley_training.benchmarks.metrics import metrics_of, prefix
from medley_training.benchmarks.screen_table import COLUMNS, table_rows
from medley_training.errors import NotMeasured

from tests.unit.training.benchmarks.made import MEMORY, NONE, ONE, answer, measured, row, turn


def test_a_request_is_good_if_it_began_in_time_and_went_on_in_time() -> None:
    slo = Slo(ttft_ms=100, itl_ms=20)

    assert slo.is_met(answer(first_s=0.1, gap_s=0.02))
    assert not slo.is_met(answer(first_s=0.11))
    assert not slo.is_met(answer(gap_s=0.021))
    assert not slo.is_met(answer(error="gone"))


def test_goodput_is_a_share_of_all_requests_and_failures_are_part_of_them() -> None:
    slow, failed = answer(first_s=3.0), answer(error="gone")
    turns = [turn([answer(), slow]), turn([answer(), failed])]

    found = row(measured(turns=turns))

    assert found["goodput"] == 0.5
    assert found["goodput_per_s"] == 1.0
    assert found["errors"] == 1
    assert found["requests"] == 4
    assert found["tokens"] == 3 * 4


def test_a_row_has_the_latencies_of_all_turns() -> None:
    turns = [turn([answer(first_s=0.1)]), turn([answer(first_s=0.3)])]

    found = row(measured(turns=turns))

    assert found["ttft_ms"]["p50"] == pytest.approx(200)
    assert found["latency_ms"]["max"] == pytest.approx(360)
    assert found["itl_ms"]["mean"] == pytest.approx(20)
    assert found["tokens_per_s"] == pytest.approx(4)
    assert found["load_s"] == 41
    assert found["repeats"] == 2


def test_the_ratio_to_the_floor_is_floor_over_measured() -> None:
    found = row(measured())

    assert found["floor_ms"] == pytest.approx(
        1.002
    )  # 1 MB and 2 x 10 tokens of 100 bytes at 1 GB/s
    assert found["floor_ratio"] == pytest.approx(1.002 / 20)


def test_lora_efficiency_is_the_gap_that_the_bytes_alone_would_cost_over_the_gap_it_is() -> None:
    slower = [turn([answer(gap_s=0.04)] * 2)]

    found = row(measured(ONE, slower), alone=measured())

    assert found["lora_efficiency"] == pytest.approx(20 * (1.052 / 1.002) / 40)
    assert row(measured(ONE))["lora_efficiency"] is None
    assert row(measured(), alone=measured())["lora_efficiency"] is None


def test_memory_adds_up_and_is_the_smallest_budget() -> None:
    found = row(measured())

    memory = found["memory_mb"]
    assert sum(value for part, value in memory.items() if part != "total") == memory["total"]
    assert found["smallest_budget_mb"] == memory["total"] == 10


def test_a_budget_that_made_the_engine_preempt_is_not_claimed() -> None:
    found = row(measured(turns=[turn(), turn(preemptions=2)]))

    assert found["preemptions"] == 2
    assert found["smallest_budget_mb"] is None


def test_memory_that_is_not_told_by_component_is_refused() -> None:
    with pytest.raises(NotMeasured, match="component"):
        Memory.of({"weights": 1, "kv_cache": 1, "lora_slots": 0, "total": 5})

    told = {"weights": 1, "kv_cache": 1, "lora_slots": 0, "activation": 1, "total": 5}
    assert Memory.of(told).other == 2
    unknown = Memory.of(told | {"activation": None})
    assert (unknown.other, unknown.to_mb()["activation"]) == (3, None)


def test_an_open_loads_batch_is_what_was_in_flight_on_average() -> None:
    load = Load(kind=LoadKind.OPEN, rate_per_s=2, concurrency=8, requests=2)
    long = [turn([answer(first_s=0.94, gap_s=0.02)] * 3)]

    assert measured(load=load, turns=long).batch == pytest.approx(3.0)
    assert measured(load=load).batch == 1.0


def test_a_failed_lane_has_a_row_without_latencies() -> None:
    failed = [turn([answer(error="gone")] * 2)]

    found = row(measured(turns=failed))

    assert found["itl_ms"] == {}
    assert found["floor_ratio"] is None
    assert found["errors"] == 2
    assert len(table_rows([found])[0]) == len(COLUMNS)


def test_evidence_has_every_number_of_every_row_under_its_prefix() -> None:
    rows = [
        row(measured()),
        row(measured(Condition(SlotUse.IDLE))),
        row(measured(ONE), alone=measured()),
        row(measured(ONE, engine=Engine.TRANSFORMERS)),
    ]

    metrics = metrics_of(rows)

    assert [prefix(each) for each in rows] == ["anone", "a0", "a1", "transformers/a1"]
    assert metrics["anone/memory_mb/weights"] == 1
    assert metrics["a1/latency_ms/p95"] == metrics["latency_p95_ms"]
    assert metrics["memory_mb"] == 10
    assert "transformers/a1/ttft_ms/p50/ci_low" in metrics
    assert "anone/lora_efficiency" not in metrics  # it was not measured
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_what_evidence_carries_is_read_back_as_rows() -> None:
    from medley_registry import Digest, Evidence, EvidenceKind
    from medley_registry.benchmark_rows import benchmark_rows
    from medley_registry.timestamps import now
    from medley_registry.variants import Variant

    wanted = row(measured(ONE), alone=measured())
    zero = Digest.of(b"")
    variant = Variant(
        adapter="discharge",
        number=3,
        kind=VariantKind.BF16,
        version_digest=zero,
        base="b",
        base_id=zero,
        recipe={},
        made_by="x",
        created_at=now(),
    )
    evidence = Evidence.of(
        variant,
        kind=EvidenceKind.BENCHMARK,
        suite="bench",
        suite_digest=zero,
        environment={},
        metrics=metrics_of([wanted]),
        actor="x",
        at=now(),
    )

    [found] = benchmark_rows(evidence)

    same: dict[str, Any] = {name: wanted[name] for name in ("latency_ms", "memory_mb", "ci")}
    assert {name: found[name] for name in same} == same
    assert (found["adapters"], found["slots"], found["engine"]) == (1, "used", "vllm")


def test_people_see_which_budget_does_not_hold_and_which_request_failed() -> None:
    preempted = row(measured(turns=[turn([answer(), answer(error="gone")], preemptions=1)]))

    cells = dict(zip(COLUMNS, table_rows([preempted])[0], strict=True))

    assert cells["MEMORY MB"] == "10 (preempted)"
    assert cells["ERRORS"] == "1"
    assert cells["ADAPTERS"] == "no LoRA"
    assert cells["LOAD"] == "2 at once, 8+4"


def test_the_rows_memory_is_that_of_the_turn_that_took_most() -> None:
    from dataclasses import replace

    more = replace(MEMORY, activation=1_500_000, total=11_000_000)
    turns = [turn(), replace(turn(), memory=more)]

    assert row(measured(NONE, turns))["memory_mb"]["activation"] == 1.5
