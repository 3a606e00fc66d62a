"""The door in front of vLLM's app, through the gateway."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from medley_registry import Registry, Version
from medley_server.admission.settings import AdmissionSettings
from medley_server.engine.fake import FakeEngine
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY
from tests.unit.server.test_gateway import caller, chat


class HeldApp:
    """Stands for vLLM's app: streams, and holds back the last byte until told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.asked.append(scope["path"])
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: {}\n\n", "more_body": True})
        await self.go.wait()
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def narrow(registry: Registry, versions: list[Version], settings: ServeSettings) -> Service:
    """One sequence at a time, and one request that waits."""
    few = replace(settings, admission=AdmissionSettings(most_waiting=1))
    engine = FakeEngine(max_num_seqs=1)
    return Service(registry, ServedBase.as_it_is(registry.base(TINY)), engine, few)


async def until(narrow: Service, **wanted: int) -> None:
    async with asyncio.timeout(10):
        while not wanted.items() <= narrow.admission.row.items():
            await asyncio.sleep(0.001)


async def test_a_turn_lasts_until_the_last_byte_and_who_waits_is_in_health(narrow: Service) -> None:
    app = HeldApp()

    async with caller(narrow, app) as client:
        first = asyncio.create_task(chat(client, "note:1", stream=True))
        await until(narrow, running=1)
        second = asyncio.create_task(chat(client, TINY, stream=True))
        await until(narrow, waiting=1)
        health = (await client.get("/health")).json()["admission"]
        refused = await chat(client, TINY, stream=True)
        asked_before = len(app.asked)
        app.go.set()
        answers = await asyncio.gather(first, second)

    rows = {row["model"]: (row["running"], row["waiting"]) for row in health["queues"]}
    assert rows == {"note:1": (1, 0), TINY: (0, 1)}
    assert (health["slots_used"], health["sequences_taken"]) == (1, 1)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert asked_before == 1
    assert [answer.status_code for answer in answers] == [200, 200]
    assert narrow.admission.row["queues"] == []


@pytest.mark.parametrize("model", ["note:1", TINY])
async def test_what_generates_nothing_waits_for_no_turn(narrow: Service, model: str) -> None:
    app = HeldApp()

    async with caller(narrow, app) as client:
        first = asyncio.create_task(chat(client, "note:2", stream=True))
        await until(narrow, running=1)
        app.go.set()
        counted = await client.post("/tokenize", json={"model": model, "prompt": "Hi"})
        await first

    assert counted.status_code == 200


async def test_who_hangs_up_while_he_waits_is_forgotten(narrow: Service) -> None:
    app = HeldApp()
    scope_of = Leaving(b'{"model":"note:1"}')

    async with caller(narrow, app) as client:
        first = asyncio.create_task(chat(client, TINY, stream=True))
        await until(narrow, running=1)
        left = asyncio.create_task(scope_of.ask(client))
        await until(narrow, waiting=1)
        scope_of.left.set()
        await left
        after = narrow.admission.row
        app.go.set()
        await first

    assert (after["waiting"], after["running"]) == (0, 1)
    assert app.asked == ["/v1/chat/completions"]


class Leaving:
    """A caller who hangs up when told, put to the gateway below HTTP."""

    def __init__(self, body: bytes) -> None:
        self.left = asyncio.Event()
        self._messages: Iterator[Any] = iter([{"type": "http.request", "body": body}])

    async def ask(self, client: httpx.AsyncClient) -> None:
        transport: Any = client._transport
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": [(b"host", b"127.0.0.1")],
            "query_string": b"",
        }
        await transport.app(scope, self._receive, self._send)

    async def _receive(self) -> Any:
        if (message := next(self._messages, None)) is not None:
            return message
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        pass


async def test_a_request_for_several_answers_takes_as_many_sequences(
    registry: Registry, versions: list[Version], settings: ServeSettings
) -> None:
    base = ServedBase.as_it_is(registry.base(TINY))
    service = Service(registry, base, FakeEngine(max_num_seqs=16), settings)
    app = HeldApp()

    async with caller(service, app) as client:
        body = {"model": "note:1", "prompt": ["one", "two"], "n": 3, "stream": True}
        asked = asyncio.create_task(client.post("/v1/completions", json=body))
        await until(service, running=1)
        taken = service.admission.row["sequences_taken"]
        app.go.set()
        await asked

    assert taken == 6
