"""A server that was told to stop: not ready, nothing new, and what runs ends first."""

import asyncio
from typing import Any

import httpx
import pytest
from medley_server.stopping import Stopping


class SlowApp:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.begun.set()
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})


def client(stopping: Stopping, app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=stopping.around(app))
    return httpx.AsyncClient(transport=transport, base_url="http://server")


async def test_what_runs_is_answered_and_the_stop_waits_for_it() -> None:
    stopping, app = Stopping(), SlowApp()
    async with client(stopping, app) as caller:
        running = asyncio.create_task(caller.get("/v1/models"))
        await app.begun.wait()
        stopping.begin()
        over = asyncio.create_task(stopping.over())
        await asyncio.sleep(0)
        assert not over.done()

        app.go_on.set()

        assert (await running).text == "whole"
        assert await over is True


async def test_from_the_first_moment_it_is_not_ready_and_answers_nothing_new() -> None:
    stopping, app = Stopping(), SlowApp()
    app.go_on.set()
    async with client(stopping, app) as caller:
        stopping.begin()
        health = await caller.get("/health")
        refused = await caller.post("/v1/chat/completions", json={})

    assert health.status_code == 503
    assert health.json() == {"status": "stopping", "live": True, "ready": False}
    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "server_stopping"
    assert refused.headers["retry-after"] == "1"
    assert not app.begun.is_set()


async def test_a_request_that_does_not_end_is_given_up_when_the_patience_ends() -> None:
    stopping, app = Stopping(patience_s=0.01), SlowApp()
    async with client(stopping, app) as caller:
        running = asyncio.create_task(caller.get("/"))
        await app.begun.wait()
        stopping.begin()

        assert await stopping.over() is False

        running.cancel()


async def test_requests_that_fail_or_are_left_are_not_waited_for() -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    stopping = Stopping()
    async with client(stopping, failing) as caller:
        with pytest.raises(RuntimeError):
            await caller.get("/")
    slow = SlowApp()
    async with client(stopping, slow) as caller:
        left = asyncio.create_task(caller.get("/"))
        await slow.begun.wait()
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)

    stopping.begin()

    assert await stopping.over() is True
