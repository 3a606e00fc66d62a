"""A server whose versions can be made to fail, be slow, or answer differently."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from medley_registry import Version
from medley_server.service import Service


class Answering:
    """Stands for vLLM's app: each version answers in its own way."""

    def __init__(self, versions: list[Version]) -> None:
        self.names = {version.engine_name: version.number for version in versions}
        self.failing: set[int] = set()
        self.saying: dict[int, str] = {}
        self.asked: list[tuple[int | None, dict[str, Any]]] = []

    @property
    def numbers(self) -> list[int | None]:
        """Which versions were asked, in order."""
        return [number for number, _ in self.asked]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = json.loads((await receive())["body"])
        number = self.names.get(request["model"])
        self.asked.append((number, request))
        status = 500 if number in self.failing else 200
        text = self.saying.get(number or 0, "yes")
        is_stream = bool(request.get("stream"))
        kind = b"text/event-stream" if is_stream else b"application/json"
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for body in self._bodies(request, text, is_stream=is_stream):
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _bodies(self, request: Any, text: str, *, is_stream: bool) -> list[bytes]:
        if not is_stream:
            choice = {"message": {"content": text}, "finish_reason": "stop"}
            answer = {"model": request["model"], "choices": [choice]}
            return [json.dumps(answer, separators=(",", ":")).encode()]
        events = [{"choices": [{"index": 0, "delta": {"content": one}}]} for one in text]
        return [f"data: {json.dumps(event)}\n\n".encode() for event in events]


@pytest.fixture
def app(versions: list[Version]) -> Answering:
    return Answering(versions)


async def chat(
    client: httpx.AsyncClient, model: str = "note", *, wish: str = "", **more: Any
) -> httpx.Response:
    headers = {"x-medley-version": wish} if wish else {}
    body = {"model": model, **more}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


def row(service: Service) -> dict[str, Any]:
    """What `/health` tells of the one alias that has a rule."""
    (only,) = service.health()[1]["traffic"]
    found: dict[str, Any] = only
    return found
