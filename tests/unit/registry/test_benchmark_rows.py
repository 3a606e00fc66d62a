from datetime import UTC, datetime

from medley_registry import Digest, Evidence, EvidenceKind, Variant, VariantKind
from medley_registry.benchmark_rows import benchmark_rows
from medley_registry.canonical import Json

D = Digest.of(b"something")


def evidence(metrics: dict[str, float], *, environment: dict[str, Json] | None = None) -> Evidence:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    variant = Variant(
        adapter="note",
        number=3,
        kind=VariantKind.AWQ,
        version_digest=D,
        base="tiny-awq",
        base_id=D,
        recipe={},
        made_by="ada",
        created_at=at,
    )
    return Evidence.of(
        variant,
        kind=EvidenceKind.BENCHMARK,
        suite="bench",
        suite_digest=D,
        environment=environment or {},
        metrics=metrics,
        actor="ada",
        at=at,
    )


def test_each_number_of_adapters_is_a_row_of_its_own_in_order() -> None:
    rows = benchmark_rows(
        evidence(
            {
                "a4/tokens_per_s": 4.0,
                "anone/tokens_per_s": 1.0,
                "a0/tokens_per_s": 2.0,
                "a1/tokens_per_s": 3.0,
                "transformers/a1/tokens_per_s": 5.0,
            }
        )
    )

    assert [
        (row["engine"], row["adapters"], row["slots"], row["tokens_per_s"]) for row in rows
    ] == [
        ("vllm", 0, "none", 1.0),
        ("vllm", 0, "idle", 2.0),
        ("vllm", 1, "used", 3.0),
        ("vllm", 4, "used", 4.0),
        ("transformers", 1, "used", 5.0),
    ]
    assert {(row["version"], row["variant"], row["suite"]) for row in rows} == {
        ("note:3", "awq", "bench")
    }


def test_a_metric_stands_in_its_place_and_its_interval_beside_all() -> None:
    (row,) = benchmark_rows(
        evidence(
            {
                "a1/latency_ms/p50": 7.0,
                "a1/latency_ms/p50/ci_low": 6.0,
                "a1/latency_ms/p50/ci_high": 8.0,
                "a1/tokens_per_s": 3.0,
                "a1/tokens_per_s/ci_low": 2.5,
                "a1/tokens_per_s/ci_high": 3.5,
            }
        )
    )

    assert row["latency_ms"] == {"p50": 7.0}
    assert row["tokens_per_s"] == 3.0
    assert row["ci"] == {"latency_ms/p50": [6.0, 8.0], "tokens_per_s": [2.5, 3.5]}


def test_a_plain_name_belongs_to_no_row() -> None:
    assert benchmark_rows(evidence({"latency_p95_ms": 4.0, "accuracy": 0.5})) == []


def test_a_row_says_under_which_load_it_was_measured() -> None:
    load: dict[str, Json] = {"concurrency": 8}

    (row,) = benchmark_rows(evidence({"a1/tokens_per_s": 3.0}, environment={"load": load}))

    assert row["load"] == load


def test_a_metric_whose_place_is_taken_is_left_out() -> None:
    identity = ("version", "suite", "variant", "engine", "adapters", "slots", "load", "evidence")
    names = ["x", "x/y", "x/y/z", "tokens_per_s/ci_low", "ci", "ci/tokens_per_s", *identity]
    names += [f"{name}/x" for name in identity]

    (row,) = benchmark_rows(evidence({f"a1/{name}": 7.0 for name in names}))
    (plain,) = benchmark_rows(evidence({"a1/x": 7.0, "a1/tokens_per_s/ci_low": 7.0}))

    assert row | {"evidence": plain["evidence"]} == plain
    assert row["version"] == "note:3"
