"""Metrics of evidence as typed rows: every one in its place, none lost."""

from dataclasses import fields, is_dataclass

from hypothesis import given
from hypothesis import strategies as st
from medley_training.reports.records.benchmark_rows import TRANSFORMERS, Benchmark
from medley_training.reports.records.estimate import Estimate
from medley_training.reports.records.evaluation_rows import Evaluation

from tests.unit.training.reports.records.recorded_variants import NF4, benchmark_metrics

_WORDS = (
    *("a1", "anone", "a0", "transformers", "itl_ms", "p95", "ci_low", "ci_high", "max", "new"),
    *("pages", "latency_ms", "count"),
)
_NAMES = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5).map("/".join)
_SCORE_WORDS = ("field_f1", "harbor", "minimum", "ci_low", "ci_high", "base", "Anatomy")
_SCORE_NAMES = st.tuples(
    st.sampled_from(_SCORE_WORDS),
    st.lists(st.sampled_from([f"{s}{w}" for s in "/@" for w in _SCORE_WORDS]), max_size=3),
).map(lambda parts: parts[0] + "".join(parts[1]))


def _numbers(value: object) -> list[float]:
    """Every number in a tree of rows."""
    if isinstance(value, Estimate):
        return [number for number in (value.value, value.low, value.high) if number is not None]
    if isinstance(value, dict):
        return [number for inner in value.values() for number in _numbers(inner)]
    if isinstance(value, tuple):
        return [number for inner in value for number in _numbers(inner)]
    if is_dataclass(value):
        return [n for field in fields(value) for n in _numbers(getattr(value, field.name))]
    return []


def test_metrics_become_rows_by_engine_and_number_of_adapters() -> None:
    benchmark = Benchmark.of(benchmark_metrics(NF4))

    assert [(row.lane, row.slots_text) for row in benchmark.rows] == [
        ("vllm", "no LoRA"),
        ("vllm", "slots idle"),
        ("vllm", "1"),
        ("vllm", "4"),
        ("transformers", "1"),
    ]
    row = benchmark.row(1)
    assert row is not None
    assert row.memory_mb.weights == Estimate(95.4)
    assert row.ttft_ms.maximum is not None
    assert row.itl_ms.p50 is not None
    assert row.itl_ms.p50.low is not None
    assert row.others == benchmark.others == {}
    assert benchmark.row(1, lane=TRANSFORMERS) is not None
    assert benchmark.row(2) is None


def test_a_plain_name_is_left_out_only_if_it_repeats_a_row() -> None:
    benchmark = Benchmark.of({"a1/tokens_per_s": 9.0, "tokens_per_s": 9.0, "latency_p95_ms": 4.0})

    assert benchmark.others == {"latency_p95_ms": Estimate(4.0)}


def test_unknown_columns_stay_with_their_row() -> None:
    (row,) = Benchmark.of({"a4/memory_mb/paging": 3.0, "a4/wobble": 1.0}).rows

    assert row.others == {"memory_mb/paging": Estimate(3.0), "wobble": Estimate(1.0)}


def _rounded(number: float) -> float:
    """Named, for CPython 3.11 may fail to parse the source of a lambda (python/cpython#106905)."""
    return round(number, 3)


@given(st.dictionaries(_NAMES, st.floats(0, 1e6).map(_rounded), max_size=12))
def test_no_number_of_a_benchmark_is_lost(metrics: dict[str, float]) -> None:
    assert sorted(_numbers(Benchmark.of(metrics))) == sorted(metrics.values())


def test_scores_are_sorted_by_what_they_are_about() -> None:
    evaluation = Evaluation.of(
        {
            "field_f1": 0.8,
            "field_f1/ci_low": 0.7,
            "field_f1/ci_high": 0.9,
            "field_f1/harbor": 0.6,
            "field_f1/minimum": 0.6,
            "field_f1@labs": 0.5,
            "base/field_f1": 0.3,
            "acc/none": 0.2,
        }
    )

    assert evaluation.overall == {"acc/none": Estimate(0.2), "field_f1": Estimate(0.8, 0.7, 0.9)}
    assert evaluation.sites == {"field_f1": {"harbor": Estimate(0.6)}}
    assert evaluation.statistics == {"field_f1": {"minimum": Estimate(0.6)}}
    assert evaluation.subjects == {"field_f1": {"labs": Estimate(0.5)}}
    assert evaluation.base == {"field_f1": Estimate(0.3)}
    assert evaluation.headline == "field_f1"


@given(st.dictionaries(_SCORE_NAMES, st.floats(0, 1).map(_rounded), max_size=12))
def test_no_number_of_an_evaluation_is_lost(metrics: dict[str, float]) -> None:
    assert sorted(_numbers(Evaluation.of(metrics))) == sorted(metrics.values())
