"""What the server tells of its memory, and of what was measured of the versions it serves."""

import httpx
import pytest
from medley_registry import (
    Digest,
    EvidenceKind,
    Registry,
    Unavailable,
    VariantKind,
    Version,
)
from medley_server import benchmark_page
from medley_server.engine.fake import FAKE_MEMORY, FakeEngine
from medley_server.service import Service

from tests.builders import TINY


def measured(
    registry: Registry,
    number: int,
    metrics: dict[str, float],
    *,
    suite: str = "bench",
    variant: VariantKind = VariantKind.BF16,
    load: str = "a load",
) -> None:
    """Records a benchmark of a version of `note`."""
    if variant is not VariantKind.BF16:
        registry.evidence.add_variant(
            "note", number, variant, base=TINY, recipe={"served": "unmerged"}, actor="t"
        )
    registry.evidence.add(
        "note",
        number,
        variant=variant,
        kind=EvidenceKind.BENCHMARK,
        suite=suite,
        suite_digest=Digest.of(load.encode()),
        environment={"load": load},
        metrics=metrics,
        actor="t",
    )


@pytest.mark.parametrize("path", ["/benchmark", "/v1/benchmark"])
async def test_it_tells_what_runs_and_where_the_memory_is(
    http: httpx.AsyncClient, service: Service, path: str
) -> None:
    async with service.running():
        told = (await http.get(path)).json()

    assert (told["base"], told["variant"], told["quantization"]) == (TINY, "bf16", None)
    assert (told["engine"], told["kernel"], told["load_s"]) == ("fake 0", "FakeKernel", 0.5)
    assert told["kv_cache_tokens"] == 512
    assert told["rows"] == []
    parts = told["memory_bytes"]
    assert parts.pop("total") == sum(parts.values()) == FAKE_MEMORY.total
    assert parts.keys() == {"weights", "kv_cache", "lora_slots", "activation", "other"}


async def test_only_an_administrator_lets_the_peak_count_anew(
    http: httpx.AsyncClient, registry: Registry, engine: FakeEngine, service: Service
) -> None:
    _, secret = registry.access.add("app", scopes=["infer"], actor="t")
    headers = {"authorization": f"Bearer {secret}"}

    reading = await http.get("/benchmark", headers=headers)
    refused = await http.get("/benchmark?reset=true", headers=headers)
    assert (reading.status_code, refused.status_code, engine.resets) == (200, 403, 0)

    await http.get("/benchmark?reset=true")
    assert engine.resets == 1


async def test_a_key_that_may_not_ask_a_model_may_not_ask_for_this(
    http: httpx.AsyncClient, registry: Registry, service: Service
) -> None:
    _, secret = registry.access.add("trainer", scopes=["publish"], actor="t")

    answer = await http.get("/benchmark", headers={"authorization": f"Bearer {secret}"})

    assert answer.status_code == 403


async def test_the_engine_is_asked_again_only_when_its_answer_is_old_or_for_a_reset(
    http: httpx.AsyncClient, engine: FakeEngine, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark_page, "FRESH_S", 3600.0)

    async def asked(path: str = "/benchmark") -> int:
        await http.get(path)
        return engine.readings

    assert [await asked() for _ in range(3)] == [1, 1, 1]
    assert [await asked("/benchmark?reset=true"), await asked(), await asked()] == [2, 3, 3]
    monkeypatch.setattr(benchmark_page, "FRESH_S", 0.0)
    assert await asked() == 4


async def test_without_a_key_it_tells_nothing(http: httpx.AsyncClient, service: Service) -> None:
    answer = await http.get("/benchmark", headers={"authorization": ""})

    assert answer.status_code == 401


async def test_the_newest_benchmark_of_each_suite_is_shown_in_rows(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], service: Service
) -> None:
    measured(registry, 1, {"a1/tokens_per_s": 1.0})
    measured(registry, 1, {"a1/tokens_per_s": 2.0, "anone/latency_ms/p50": 7.0, "memory_mb": 9.0})
    measured(registry, 2, {"a4/tokens_per_s": 3.0}, suite="bench-quick")

    async with service.running():
        rows = (await http.get("/benchmark")).json()["rows"]

    shown = [
        (row["version"], row["suite"], row["adapters"], row["slots"], row.get("tokens_per_s"))
        for row in rows
    ]
    assert shown == [
        ("note:1", "bench", 0, "none", None),
        ("note:1", "bench", 1, "used", 2.0),
        ("note:2", "bench-quick", 4, "used", 3.0),
    ]
    assert rows[0]["latency_ms"] == {"p50": 7.0}


async def test_each_load_of_a_suite_has_rows_of_its_own(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], service: Service
) -> None:
    measured(registry, 1, {"a1/tokens_per_s": 1.0}, load="one at a time")
    measured(registry, 1, {"a1/tokens_per_s": 2.0}, load="eight at a time")
    measured(registry, 1, {"a1/tokens_per_s": 3.0}, load="one at a time")

    async with service.running():
        rows = (await http.get("/benchmark")).json()["rows"]

    assert [(row["load"], row["tokens_per_s"]) for row in rows] == [
        ("one at a time", 3.0),
        ("eight at a time", 2.0),
    ]


async def test_what_was_measured_of_another_variant_is_not_shown(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], service: Service
) -> None:
    measured(registry, 1, {"a1/tokens_per_s": 1.0}, variant=VariantKind.NF4)

    async with service.running():
        assert (await http.get("/benchmark")).json()["rows"] == []


async def test_while_the_registry_is_away_it_says_so(
    http: httpx.AsyncClient,
    registry: Registry,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the disk is gone")

    async with service.running():
        monkeypatch.setattr(registry.evidence, "of", away)
        answer = await http.get("/benchmark")

    assert answer.status_code == 503
    assert "disk" not in answer.text
