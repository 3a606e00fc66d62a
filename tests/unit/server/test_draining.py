"""Refusals reach callers who are still sending, over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from medley_server import draining
from medley_server.draining import drained
from medley_server.gateway import Gateway

LARGE = b"x" * 6_000_000
Address = tuple[str, int]


@pytest_asyncio.fixture
async def address(gateway: Gateway) -> AsyncIterator[Address]:
    """Where a server listens that takes ten kilobytes and no unknown key."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(gateway, lifespan="off", log_level="error"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield listening.getsockname()
    server.should_exit = True
    await serving


async def said(address: Address, head: str, body: bytes) -> bytes:
    """What comes back to a caller who sends everything before he listens."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head.replace("\n", "\r\n").encode() + body)
    await writer.drain()
    await asyncio.sleep(0.05)
    answer = await reader.readuntil(b"}}")
    writer.close()
    return answer


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
@pytest.mark.parametrize(("key", "status"), [("root", 413), ("wrong", 401)])
async def test_a_refusal_reaches_a_caller_who_sends_everything_first(
    address: Address, key: str, status: int, connection: str
) -> None:
    head = (
        f"POST /v1/chat/completions HTTP/1.1\nHost: a\nConnection: {connection}\n"
        f"Authorization: Bearer {key}\nContent-Length: {len(LARGE)}\n\n"
    )

    for _ in range(3):
        assert (await said(address, head, LARGE)).startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_client_that_sends_a_stream_sees_the_refusal(address: Address) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), 65536):
            yield LARGE[start : start + 65536]

    url = f"http://127.0.0.1:{address[1]}/v1/chat/completions"
    async with httpx.AsyncClient(headers={"authorization": "Bearer root"}) as http:
        answer = await http.post(url, content=pieces())

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "body_too_large"


async def test_who_asks_before_sending_is_answered_and_sends_nothing(address: Address) -> None:
    head = (
        "POST /v1/chat/completions HTTP/1.1\nHost: a\nExpect: 100-continue\n"
        f"Authorization: Bearer wrong\nContent-Length: {len(LARGE)}\n\n"
    )

    assert (await said(address, head, b"")).startswith(b"HTTP/1.1 401 ")


class Endless:
    """A caller who goes on sending."""

    def __init__(self) -> None:
        self.sent = 0
        self.answers: list[Any] = []

    async def receive(self) -> Any:
        self.sent += 1 << 20
        await asyncio.sleep(0)
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}

    async def send(self, message: Any) -> None:
        self.answers.append(message)


async def test_no_more_is_read_for_it_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "MOST_BYTES", 8 << 20)
    caller = Endless()
    scope = {"type": "http", "headers": [(b"transfer-encoding", b"chunked")]}
    _, send = drained(scope, caller.receive, caller.send)

    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b"no"})

    assert caller.sent == 8 << 20
    assert [message.get("more_body") for message in caller.answers] == [None, True, None]


async def test_no_longer_is_waited_for_it_than_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "LONGEST_S", 0.01)
    caller = Endless()
    scope = {"type": "http", "headers": [(b"content-length", b"5")]}

    async def never() -> Any:
        await asyncio.Event().wait()

    _, send = drained(scope, never, caller.send)
    await send({"type": "http.response.body", "body": b"no"})

    assert len(caller.answers) == 2


async def test_an_answer_to_a_body_that_was_read_goes_as_it_is() -> None:
    caller = Endless()

    async def whole() -> Any:
        return {"type": "http.request", "body": b"all", "more_body": False}

    scope = {"type": "http", "headers": [(b"content-length", b"3")]}
    receive, send = drained(scope, whole, caller.send)
    await receive()
    await send({"type": "http.response.body", "body": b"yes"})

    assert caller.answers == [{"type": "http.response.body", "body": b"yes"}]
