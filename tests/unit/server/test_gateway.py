import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from medley_registry import Registry, VariantKind, Version
from medley_server.engine.fake import FakeEngine
from medley_server.gateway import Gateway
from medley_server.served_base import ServedBase, find_served_base
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY


class EchoApp:
    """Stands for vLLM's app: answers with what it was asked, named by the engine's name."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"]
        request = json.loads(body) if body else {}
        assert dict(scope["headers"])[b"content-length"] == str(len(body)).encode()
        self.requests.append(request)
        kind = b"text/event-stream" if request.get("stream") else b"application/json"
        headers = [(b"content-type", kind)]
        if not request.get("stream"):
            headers.append((b"content-length", b"1"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        answer = {"model": request.get("model"), "text": f'says "{request.get("model")}"'}
        for _ in range(3 if request.get("stream") else 1):
            piece = json.dumps(answer, separators=(",", ":")).encode()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def caller(
    service: Service, app: Any, *, api_keys: tuple[str, ...] = ()
) -> AsyncIterator[httpx.AsyncClient]:
    gateway = Gateway(app, service=service, api_keys=api_keys, max_body_bytes=10_000)
    transport = httpx.ASGITransport(app=gateway)
    async with (
        service.running(),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


async def chat(client: httpx.AsyncClient, model: Any, **more: Any) -> httpx.Response:
    return await client.post("/v1/chat/completions", json={"model": model, **more})


@pytest.mark.parametrize("model", ["note", "note@production", "note:1"])
async def test_a_reference_reaches_the_engine_as_its_digest_and_comes_back_as_its_version(
    service: Service, versions: list[Version], model: str
) -> None:
    app = EchoApp()

    async with caller(service, app) as client:
        answer = await chat(client, model)

    assert app.requests[0]["model"] == versions[0].engine_name
    assert app.requests[0]["cache_salt"] == versions[0].digest.hex
    assert answer.json()["model"] == "note:1"
    assert answer.headers["x-medley-digest"] == str(versions[0].digest)
    assert answer.headers["x-medley-round"] == "1"


async def test_text_that_quotes_the_engine_name_comes_back_as_the_model_wrote_it(
    service: Service, versions: list[Version]
) -> None:
    async with caller(service, EchoApp()) as client:
        answer = await chat(client, "note")

    assert answer.json()["text"] == f'says "{versions[0].engine_name}"'


async def test_every_event_of_a_stream_names_the_version(service: Service) -> None:
    async with caller(service, EchoApp()) as client:
        answer = await chat(client, "note:2", stream=True)

    assert answer.text.count('"model":"note:2"') == 3


async def test_a_request_for_the_base_passes_unchanged(service: Service) -> None:
    app = EchoApp()

    async with caller(service, app) as client:
        answer = await chat(client, TINY)

    assert app.requests == [{"model": TINY}]
    assert "x-medley-digest" not in answer.headers


async def test_a_callers_own_cache_salt_is_kept_beside_the_digest(
    service: Service, versions: list[Version]
) -> None:
    app = EchoApp()

    async with caller(service, app) as client:
        await chat(client, "note", cache_salt="ward-3")

    assert app.requests[0]["cache_salt"] == f"{versions[0].digest.hex}:ward-3"


@pytest.mark.parametrize(
    ("model", "nearest"),
    [("note:9", "note:2"), ("nota", "note"), ("note@canary", "note@production"), ("a b", None)],
)
async def test_an_unknown_reference_gets_openais_404_with_the_nearest_names(
    service: Service, model: str, nearest: str | None
) -> None:
    async with caller(service, EchoApp()) as client:
        answer = await chat(client, model)

    error = answer.json()["error"]
    assert answer.status_code == 404
    assert (error["code"], error["param"]) == ("model_not_found", "model")
    assert f"`{model}`" in error["message"]
    assert nearest is None or f"`{nearest}`" in error["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'{"model": 7}', 400), (b"x" * 10_001, 413)],
)
async def test_a_bad_body_is_refused_before_the_engine_sees_it(
    service: Service, body: bytes, status: int
) -> None:
    app = EchoApp()

    async with caller(service, app) as client:
        answer = await client.post("/v1/chat/completions", content=body)

    assert answer.status_code == status
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert app.requests == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/v1/unload_lora_adapter"),
        ("POST", "/invocations"),
        ("POST", "/pause"),
        ("GET", "/docs"),
        ("GET", "/v1/chat/completions"),
        ("OPTIONS", "/pause"),
        ("HEAD", "/v1/completions"),
    ],
)
async def test_a_route_off_the_allow_list_answers_404(
    service: Service, method: str, path: str
) -> None:
    app = EchoApp()

    async with caller(service, app) as client:
        answer = await client.request(method, path)

    assert answer.status_code == 404
    assert app.requests == []


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Bearer right", 200), ("bearer other", 200)],
)
async def test_a_caller_needs_one_of_the_keys(
    service: Service, header: str | None, status: int
) -> None:
    async with caller(service, EchoApp(), api_keys=("right", "other")) as client:
        headers = {"authorization": header} if header else {}
        answer = await client.get("/v1/models", headers=headers)
        probe = await client.get("/health")

    assert answer.status_code == status
    assert probe.status_code == 200


async def test_models_lists_the_base_its_adapters_aliases_and_versions(service: Service) -> None:
    async with caller(service, EchoApp()) as client:
        cards = (await client.get("/v1/models")).json()["data"]

    assert [card["id"] for card in cards] == [TINY, "note", "note@production", "note:1", "note:2"]
    assert {card["parent"] for card in cards[1:]} == {TINY}


async def test_health_names_what_is_resident_and_why(
    service: Service, versions: list[Version]
) -> None:
    async with caller(service, EchoApp()) as client:
        await chat(client, "note:2")
        health = (await client.get("/health")).json()

    assert health["ready"] is True
    assert {row["version"]: row["aliases"] for row in health["resident"]} == {
        "note:1": ["note@production"],
        "note:2": [],
    }


async def test_an_adapter_the_engine_refuses_answers_503_with_the_reason(
    service: Service, versions: list[Version], engine: Any
) -> None:
    engine.refuse.add(versions[1].engine_name)

    async with caller(service, EchoApp()) as client:
        answer = await chat(client, "note:2")

    assert answer.status_code == 503
    assert "the engine refused" in answer.json()["error"]["message"]


async def test_an_adapter_of_another_base_is_not_served(
    service: Service, registry: Registry, tmp_path: Any
) -> None:
    from tests.builders import make_adapter, make_base

    registry.add_base("other", make_base(tmp_path / "other", fill=9), actor="t")
    registry.publish(make_adapter(tmp_path / "x"), name="foreign", base="other", actor="t")

    async with caller(service, EchoApp()) as client:
        answer = await chat(client, "foreign:1")

    assert answer.status_code == 404
    assert "is for base other" in answer.json()["error"]["message"]


@pytest.fixture
def alone(registry: Registry, settings: ServeSettings) -> Service:
    """The base without adapter slots."""
    base = ServedBase.as_it_is(registry.base(TINY))
    return Service(registry, base, FakeEngine(max_loras=0), settings)


async def test_without_slots_the_base_answers_and_adapters_are_refused_with_the_reason(
    alone: Service, versions: list[Version]
) -> None:
    app = EchoApp()

    async with caller(alone, app) as client:
        base = await chat(client, TINY)
        refused = [await chat(client, model) for model in ("note", "note:1", "ghost")]
        cards = (await client.get("/v1/models")).json()["data"]
        health = (await client.get("/health")).json()

    assert base.json()["model"] == TINY
    assert [answer.status_code for answer in refused] == [404, 404, 404]
    assert all("--max-loras 0" in answer.text for answer in refused)
    assert app.requests == [{"model": TINY}]
    assert [card["id"] for card in cards] == [TINY]
    assert (health["resident"], health["swaps"]) == ([], [])


async def test_a_quantized_form_answers_to_its_origins_name_and_to_its_own(
    registry: Registry, versions: list[Version], settings: ServeSettings, tmp_path: Any
) -> None:
    from tests.builders import make_base

    made = registry.add_base(
        "tiny-awq",
        make_base(tmp_path / "awq", fill=9),
        actor="t",
        derived_from=TINY,
        recipe={"method": "awq"},
    )
    base = find_served_base(registry, made, VariantKind.AWQ)
    app = EchoApp()

    async with caller(Service(registry, base, FakeEngine(), settings), app) as client:
        answers = [await chat(client, model) for model in (TINY, "tiny-awq", "note")]
        cards = (await client.get("/v1/models")).json()["data"]
        health = (await client.get("/health")).json()

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[2].json()["model"] == "note:1"
    assert (cards[0]["id"], cards[0]["variant"]) == (TINY, "awq")
    assert health["variant"] == "awq"
    assert health["base"]["name"] == TINY
    assert health["served_base"] == {"name": "tiny-awq", "digest": str(made.base_id)}
