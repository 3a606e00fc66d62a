"""Which variant for which use: the rules, and what they say where evidence lacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import Registry
from medley_training.reports.records.contender import Field, fields
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.gathering import gather
from medley_training.reports.records.recommendation import (
    Recommendation,
    recommendation_section,
    recommendations,
)
from medley_training.reports.records.recorded import Wanted

from tests.unit.training.reports.records.recorded_variants import (
    AWQ,
    BF16,
    NF4,
    add_benchmark,
    add_evaluation,
    benchmark_metrics,
    fingerprint,
    make_registry,
    measured_registry,
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with make_registry(tmp_path) as registry:
        yield registry


def _field(registry: Registry) -> Field:
    (field,) = fields(Findings.of(gather(registry, Wanted())))
    return field


def _by_use(registry: Registry, *, margin: float = 0.02) -> dict[str, Recommendation]:
    found = recommendations(_field(registry), margin=margin)
    return {each.use: each for each in found}


def test_a_variant_that_lost_more_than_the_margin_is_out_however_fast_it_is(tmp_path: Path) -> None:
    with measured_registry(tmp_path) as registry:
        found = _by_use(registry)

    assert found["Low latency"].variant is BF16
    assert "awq is out: extraction at least" in found["Low latency"].because
    assert found["Low latency"].figure == "between tokens at p95 18.6 ms"


def test_with_a_wider_margin_the_fastest_and_the_smallest_are_recommended(tmp_path: Path) -> None:
    with measured_registry(tmp_path) as registry:
        found = _by_use(registry, margin=0.15)

    assert {use: each.variant for use, each in found.items()} == {
        "Low latency": AWQ,
        "High accuracy": BF16,
        "Edge": NF4,
        "Research": BF16,
    }
    assert "bf16 18.6 ms, nf4 30.1 ms, awq 15 ms" in found["Low latency"].because


def test_a_variant_without_its_own_evaluation_inherits_none(registry: Registry) -> None:
    for kind in (BF16, NF4, AWQ):
        add_benchmark(registry, kind)
    for kind in (BF16, NF4):
        add_evaluation(registry, kind, "extraction", "field_f1", wrong=0)

    found = _by_use(registry)

    assert found["Low latency"].variant is BF16
    assert "awq is out: extraction not measured" in found["Low latency"].because
    assert found["Edge"].variant is NF4


def test_without_items_the_interval_decides(registry: Registry) -> None:
    for kind in (BF16, AWQ):
        add_benchmark(registry, kind)
        add_evaluation(registry, kind, "extraction", "field_f1", wrong=0, has_items=False)

    assert _by_use(registry)["Low latency"].variant is BF16
    assert _by_use(registry, margin=0.071)["Low latency"].variant is AWQ


def test_another_variant_is_more_accurate_only_if_its_lower_bound_is_above_nothing(
    registry: Registry,
) -> None:
    add_evaluation(registry, BF16, "extraction", "field_f1", wrong=30)
    add_evaluation(registry, NF4, "extraction", "field_f1", wrong=29)
    add_evaluation(registry, AWQ, "extraction", "field_f1", wrong=2)

    assert _by_use(registry)["High accuracy"].variant is AWQ
    add_evaluation(registry, AWQ, "extraction", "field_f1", wrong=29)
    assert _by_use(registry)["High accuracy"].variant is BF16


def test_where_evidence_lacks_nothing_is_recommended(registry: Registry) -> None:
    add_benchmark(registry, AWQ)

    found = _by_use(registry)

    assert [each.variant for each in found.values()] == [None] * 4
    assert found["Low latency"].because == "between tokens at p95 was measured of 1 variant"
    assert found["Research"].because == "bf16 was not evaluated"
    texts = str(recommendation_section([_field(registry)]).to_json())
    assert "no recommendation" in texts


def test_measurements_of_another_environment_are_not_compared(registry: Registry) -> None:
    add_benchmark(registry, BF16)
    add_evaluation(registry, BF16, "extraction", "field_f1")
    add_benchmark(registry, AWQ, environment=fingerprint(AWQ, cpu="Xeon"))

    found = fields(Findings.of(gather(registry, Wanted())))

    assert [[c.variant for c in field.contenders] for field in found] == [[BF16], [AWQ]]
    assert [each.variant for each in recommendations(found[1])] == [None] * 4


def test_rows_are_compared_with_as_many_adapters(registry: Registry) -> None:
    only_idle = {n: v for n, v in benchmark_metrics(AWQ).items() if n.startswith("a0/")}
    add_benchmark(registry, BF16)
    add_benchmark(registry, AWQ, metrics=only_idle)

    field = _field(registry)

    assert field.slots_text == "slots idle"
    assert {c.row.adapters for c in field.contenders if c.row} == {0}
