"""What callers send and get stands in no log, no metric and no span, whichever way it ends."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import pytest_asyncio
from medley_server.errors import CannotStart
from medley_server.observing.tracing import Tracing
from medley_server.quiet_log import WithoutText, require_quiet
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.unit.server.observing.conftest import KEY, Observation, Observe
from tests.unit.server.observing.speaking_app import SpeakingApp

CANARY = "CANARY-7f3a-patient-Rossi"
IMAGE = base64.b64encode(CANARY.encode()).decode()


class CanaryApp(SpeakingApp):
    """Writes the canary back, slowly; fails as `fails_with` says."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.fails_with == 0 and scope["path"] != "/metrics":
            await receive()
            raise RuntimeError(CANARY)
        await super().__call__(scope, receive, send)

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        return super()._answer(request) | {"choices": [{"message": {"content": CANARY}}]}


class Everything:
    """All that anybody could read afterwards."""

    def __init__(self, seen: Observation, exporter: Any, caplog: Any) -> None:
        self.seen = seen
        self._exporter = exporter
        self._caplog = caplog

    async def text(self) -> str:
        spans = [span.to_json() for span in self._exporter.get_finished_spans()]
        metrics = (await self.seen.http.get("/metrics")).text
        assert self.seen.lines
        return "\n".join([*spans, *self.seen.lines, metrics, self._caplog.text])


@pytest_asyncio.fixture
async def everything(
    observe: Observe, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Everything]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    caplog.set_level(logging.WARNING, logger="httpx")  # the caller's own
    with caplog.at_level(logging.DEBUG):
        async with observe(CanaryApp(), tracing=Tracing(provider)) as seen:
            yield Everything(seen, exporter, caplog)


def chat(model: str = "note", **more: Any) -> dict[str, Any]:
    content = [
        {"type": "text", "text": CANARY},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
    ]
    messages = [{"role": "user", "content": content, "name": CANARY}]
    said = {"messages": messages, "user": CANARY, "stop": [CANARY], "metadata": {"a": CANARY}}
    return {"model": model, "cache_salt": CANARY} | said | more


def url(address: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"image_url": address}]}]}


PATHS: dict[str, tuple[int | None, dict[str, Any]]] = {
    "success": (None, {"json": chat()}),
    "success of a stream": (None, {"json": chat(stream=True)}),
    "the base": (None, {"json": chat("tiny")}),
    "the engine refuses": (400, {"json": chat()}),
    "the engine fails": (500, {"json": chat()}),
    "the engine's app breaks": (0, {"json": chat()}),
    "no such model": (None, {"json": chat(CANARY)}),
    "no such adapter": (None, {"json": chat("canary-7f3a-patient-rossi")}),
    "no JSON": (None, {"content": f'{{"model": "note", "{CANARY}'.encode()}),
    "too long": (None, {"content": CANARY.encode() * 1000}),
    "a picture from elsewhere": (None, {"json": chat(**url(f"https://{CANARY}/?token={CANARY}"))}),
    "a field of the engine": (None, {"json": chat(vllm_xargs={"a": CANARY})}),
    "a wrong key": (None, {"json": chat(), "headers": {"authorization": f"Bearer {CANARY}"}}),
    "other headers": (
        None,
        {"json": chat(), "headers": {"x-request-id": f"a b {CANARY}", "x-session-id": CANARY}},
    ),
    "a query": (None, {"json": chat(), "params": {"api_key": CANARY}}),
}


@pytest.mark.parametrize("way", PATHS)
async def test_nothing_of_a_request_is_left_behind(everything: Everything, way: str) -> None:
    everything.seen.app.fails_with, asked = PATHS[way]

    with suppress(RuntimeError, ExceptionGroup):
        await everything.seen.http.post("/v1/chat/completions", **asked)

    text = await everything.text()
    assert CANARY not in text
    assert CANARY.lower() not in text
    assert IMAGE not in text
    assert KEY not in text.replace("root_path", "")


async def test_nothing_is_left_behind_when_the_caller_does_not_wait(
    everything: Everything,
) -> None:
    everything.seen.app.pause_s = 5.0
    asking = asyncio.create_task(
        everything.seen.http.post("/v1/chat/completions", json=chat(stream=True))
    )
    while not everything.seen.app.requests:
        await asyncio.sleep(0.01)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert CANARY not in await everything.text()


async def test_a_route_that_is_none_leaves_nothing(everything: Everything) -> None:
    answers: list[httpx.Response] = [
        await everything.seen.http.get(f"/v1/{CANARY}"),
        await everything.seen.http.get(f"/v1/adapters/{CANARY}/{CANARY}"),
        await everything.seen.http.request("GET", "/v1/models", params={"key": CANARY}),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert CANARY not in await everything.text()


def test_an_exceptions_text_stays_out_of_the_log_and_its_place_stays_in() -> None:
    record = logging.LogRecord("vllm", logging.ERROR, __file__, 1, "it failed", (), None)
    try:
        json.loads(CANARY)
    except ValueError as error:
        record.exc_info = (type(error), ValueError(CANARY), error.__traceback__)

    assert WithoutText().filter(record)

    text = logging.Formatter("%(message)s").format(record)
    assert CANARY not in text
    assert "it failed" in text
    assert "json.loads(CANARY)" in text
    assert "JSONDecodeError" in text


@pytest.mark.parametrize(
    ("name", "is_kept"),
    [("vllm.renderers.chat_utils", False), ("vllm.entrypoints.openai.x", False), ("vllm", True)],
)
def test_a_line_about_a_request_keeps_its_fixed_words_alone(name: str, *, is_kept: bool) -> None:
    said = "Skipping part '%s'"
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, said, (CANARY,), None)

    WithoutText().filter(record)

    assert record.getMessage() == (said % CANARY if is_kept else said)


def test_a_server_that_would_log_answers_does_not_start() -> None:
    require_quiet({})

    with pytest.raises(CannotStart, match="answers"):
        require_quiet({"VLLM_DEBUG_LOG_API_SERVER_RESPONSE": "True"})
