"""`medley bench` on a real base: every column is there, and they agree with each other."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from medley_registry import EvidenceKind, open_registry
from medley_registry.benchmark_rows import benchmark_rows
from medley_server.demo.performance import publish_all
from medley_server.demo.showcase import TRIAGE_NOTE
from medley_server.demo.stage import Stage

pytestmark = pytest.mark.e2e

REFERENCE = f"{TRIAGE_NOTE.name}:1"
SPREAD = {"min", "mean", "p50", "p95", "p99", "max"}
COLUMNS = {
    *("variant", "engine", "adapters", "slots", "versions", "load", "load_s", "repeats"),
    *("latency_ms", "ttft_ms", "itl_ms", "tokens_per_s", "requests_per_s", "goodput", "slo"),
    *("memory_mb", "smallest_budget_mb", "preemptions", "energy_j_per_token"),
    *("floor_ms", "floor_ratio", "lora_efficiency", "ci", "errors", "tokens", "requests"),
}


@pytest.fixture(scope="module")
def bench(small_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """What the command prints, and the registry it ran on: two servers, one after another."""
    home = tmp_path_factory.mktemp("bench")
    with open_registry(home / "registry", create=True) as registry:
        publish_all(registry, small_base, Stage())
    command = [sys.executable, "-m", "medley.cli", "bench", REFERENCE, "--quick", "--json"]
    command += ["--adapters", "none,1", "--concurrency", "2", "--apart", "--no-transformers"]
    done = subprocess.run(
        [*command, "--registry", str(home / "registry"), "--out", str(home / "out")],
        env=os.environ | {"MEDLEY_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), str(home / "registry")


def test_every_column_is_there_in_both_rows(bench: tuple[dict[str, Any], str]) -> None:
    rows = bench[0]["rows"]

    assert [(row["adapters"], row["slots"]) for row in rows] == [(0, "none"), (1, "used")]
    for row in rows:
        assert row.keys() >= COLUMNS
        assert all(row[name].keys() == SPREAD for name in ("latency_ms", "ttft_ms", "itl_ms"))


def test_the_columns_agree_with_each_other(bench: tuple[dict[str, Any], str]) -> None:
    for row in bench[0]["rows"]:
        load, memory = row["load"], row["memory_mb"]
        assert row["errors"] == 0
        assert row["tokens"] == row["requests"] * load["output_tokens"]
        assert row["ttft_ms"]["p50"] < row["latency_ms"]["p50"] <= row["latency_ms"]["max"]
        parts = sum(value or 0 for name, value in memory.items() if name != "total")
        assert parts == pytest.approx(memory["total"])
        assert memory["weights"] > 200  # 135 million parameters in two bytes each
        assert row["preemptions"] == 0
        assert row["smallest_budget_mb"] == memory["total"]
        assert row["floor_ratio"] == pytest.approx(row["floor_ms"] / row["itl_ms"]["p50"])


def test_only_the_engine_with_slots_holds_memory_for_them(
    bench: tuple[dict[str, Any], str],
) -> None:
    plain, lora = bench[0]["rows"]

    assert plain["memory_mb"]["lora_slots"] == 0
    assert lora["memory_mb"]["lora_slots"] > 0
    assert plain["lora_efficiency"] is None
    assert lora["lora_efficiency"] > 0
    assert lora["versions"] == [REFERENCE]


def test_the_engine_got_the_blocks_that_the_load_needs_and_no_more(
    bench: tuple[dict[str, Any], str],
) -> None:
    """Two requests of one block each, and vLLM's own; 30 layers x 2 x 3 heads x 64 x 2 bytes."""
    [facts] = bench[0]["facts"].values()

    assert facts["kv_cache_tokens"] == 3 * 128
    assert facts["memory_bytes"]["kv_cache"] == 3 * 128 * 30 * 2 * 3 * 64 * 2


def test_the_registry_has_the_rows_and_where_they_were_measured(
    bench: tuple[dict[str, Any], str],
) -> None:
    with open_registry(bench[1]) as registry:
        [evidence] = registry.evidence.of(TRIAGE_NOTE.name, 1)

    rows = benchmark_rows(evidence)
    wanted = [row["tokens_per_s"] for row in bench[0]["rows"]]
    assert (evidence.kind, evidence.suite) == (EvidenceKind.BENCHMARK, "bench-quick")
    assert str(evidence.digest) in bench[0]["evidence"]
    assert [row["tokens_per_s"] for row in rows] == wanted
    assert {"hardware", "software", "engine", "machine", "load"} <= evidence.environment.keys()
