"""`chat` of both clients, whole and as a stream; the text's pieces and where connections end."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import medley
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley import AsyncClient, Client
from medley.events import EventReader
from medley.exchange import seconds_until
from medley.testing import FakeServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.unit.clients.faces import Use, both, both_read, of
from tests.unit.clients.loopback import listening

CHAT = "/v1/chat/completions"
LIMIT_S = 20
"""A test that waits longer is stuck."""


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def event(text: str) -> bytes:
    return (
        b'data: {"model": "note:7", "choices": [{"delta": {"content": "%s"}}]}\n\n' % text.encode()
    )


@both
def test_an_answer_says_which_version_gave_it(server: FakeServer, use: Use) -> None:
    server.chats("Rest, and drink.", model="note:7", digest="sha256:ab", round=3)

    answer = use(
        "chat",
        "I cough.",
        "note",
        client=of(server),
        system="Be short.",
        temperature=0,
        max_tokens=9,
    )

    assert answer.text == "Rest, and drink."
    assert (answer.model, answer.digest, answer.round) == ("note:7", "sha256:ab", 3)
    assert (answer.finish_reason, answer.output_tokens, answer.request_id) == ("stop", 3, "fake")
    assert server.requests[0].body == {
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "I cough."},
        ],
        "model": "note",
        "temperature": 0,
        "max_tokens": 9,
    }


def test_messages_and_further_fields_go_as_they_are(server: FakeServer) -> None:
    server.chats("ok")
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]

    Client(**of(server)).chat(messages, extra={"top_k": 1, "logprobs": True})

    assert server.requests[0].body == {"messages": messages, "top_k": 1, "logprobs": True}


@both_read
def test_a_stream_gives_its_pieces_and_then_who_answered(server: FakeServer, read: Use) -> None:
    server.chats("Grüße an alle", model="note:2", digest="sha256:cd")

    pieces, answer = read("chat", "Hi", client=of(server))

    assert pieces == ["Grüße ", "an ", "alle"]
    assert (answer.text, answer.model, answer.digest) == ("Grüße an alle", "note:2", "sha256:cd")
    assert (answer.finish_reason, answer.output_tokens) == ("stop", 3)


@both_read
def test_an_analysis_is_streamed_too(server: FakeServer, read: Use) -> None:
    server.analyzes("Two results are high.", model="note:7")

    pieces, answer = read("analyze", b"x", "What is high?", client=of(server))

    assert "".join(pieces) == answer.text == "Two results are high."
    assert server.requests[0].fields["stream"] == "true"


@both_read
def test_a_stream_is_asked_for_again_only_before_it_begins(
    server: FakeServer, read: Use, waits: list[float]
) -> None:
    server.refuse("POST", CHAT, status=429, code="queue_full", retry_after_s=3)
    server.chats("at last")

    assert read("chat", "Hi", client=of(server))[1].text == "at last"
    assert waits == [3.0]

    broken = FakeServer()
    broken.answer("POST", CHAT, event("half") + event("of"))
    with pytest.raises(medley.Unreachable, match="broke off"):
        read("chat", "Hi", client=of(broken))
    assert len(broken.requests) == 1


@both_read
def test_an_error_in_a_stream_is_the_error_that_it_tells_of(server: FakeServer, read: Use) -> None:
    told = b'data: {"error": {"message": "too long", "code": 400}}\n\n'
    server.answer("POST", CHAT, event("half") + told)
    server.answer("POST", CHAT, b'data: {"error": {"message": "gone", "code": "engine_error"}}\n\n')

    with pytest.raises(medley.BadRequest, match="too long"):
        read("chat", "Hi", client=of(server))
    with pytest.raises(medley.ServerFailed, match="gone"):
        read("chat", "Hi", client=of(server))


@both_read
@pytest.mark.parametrize(
    "body", [b"data: <html>\n\n", b"data: []\n\n", b'data: {"choices": 3}\n\n', b"data: null\n\n"]
)
def test_a_stream_that_is_none_is_told_so(server: FakeServer, read: Use, body: bytes) -> None:
    server.answer("POST", CHAT, body)

    with pytest.raises(medley.UnexpectedAnswer):
        read("chat", "Hi", client=of(server))


def test_an_event_without_end_is_not_read_for_ever() -> None:
    reader = EventReader()

    def feed() -> None:
        for _ in range(100):
            list(reader.feed(b"x" * 100_000))

    with pytest.raises(medley.UnexpectedAnswer, match="event of more than"):
        feed()


@given(
    texts=st.lists(st.text(alphabet="aé€🙂 :{}"), max_size=6),
    cut=st.integers(1, 7),
    newline=st.sampled_from([b"\n", b"\r\n"]),
)
def test_events_are_the_same_wherever_their_bytes_are_cut(
    texts: list[str], cut: int, newline: bytes
) -> None:
    whole = b": a comment" + newline
    for text in texts:
        whole += b"event: x" + newline + b"data: " + text.encode() + newline + newline
    reader = EventReader()

    read = [data for at in range(0, len(whole), cut) for data in reader.feed(whole[at : at + cut])]

    assert read == texts


@both
def test_models_health_and_benchmark_are_typed(server: FakeServer, use: Use) -> None:
    card = {"id": "note", "kind": "alias", "root": "note:7", "digest": "sha256:ab", "round": 4}
    base = {"id": "tiny", "kind": "base", "root": "tiny"}
    server.answer("GET", "/v1/models", {"object": "list", "data": [base, card]})
    health = {"ready": False, "status": "engine dead", "base": {"name": "tiny"}}
    server.answer("GET", "/health", health, status=503)
    server.answer("GET", "/v1/benchmark", {"base": "tiny", "rows": []})

    models = use("models", client=of(server))

    assert [(one.id, one.kind, one.version, one.round) for one in models] == [
        ("tiny", "base", "tiny", None),
        ("note", "alias", "note:7", 4),
    ]
    told = use("health", client=of(server))
    assert (told.is_ready, told.status, told.base) == (False, "engine dead", "tiny")
    assert use("benchmark", client=of(server))["rows"] == []
    assert len(server.requests) == 3  # a dead engine is an answer, and not asked for again


def test_a_server_may_say_when_as_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medley.exchange.time", lambda: 1795248000.0)  # 08:00:00 that day

    assert seconds_until("Sat, 21 Nov 2026 08:00:09 GMT") == 9.0
    assert seconds_until("Sat, 21 Nov 2026 07:00:00 GMT") == 0.0
    assert [seconds_until(said) for said in ("7", "soon", "-1", "", None)] == [7.0] + [None] * 4


class Talking:
    """A server whose answers never end; it knows when nobody listens any more."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self.asked = 0
        self.app = Starlette(routes=[Route(CHAT, self.chat, methods=["POST"])])

    async def chat(self, request: Request) -> StreamingResponse:
        self.asked += 1
        return StreamingResponse(self.talk(), media_type="text/event-stream")

    async def talk(self) -> Any:
        try:
            while True:
                yield event("and ")
                await asyncio.sleep(0.01)
        finally:
            self.left.set()


@pytest.fixture
def talking() -> Iterator[tuple[Talking, str]]:
    server = Talking()
    with listening(server.app) as url:
        yield server, url


def test_leaving_a_stream_closes_its_connection(talking: tuple[Talking, str]) -> None:
    server, url = talking

    with Client(url) as client:
        with client.chat("Hi", stream=True) as stream:
            assert next(iter(stream)) == "and "
        assert server.left.wait(LIMIT_S)
        assert list(stream) == []  # it is over, and no error


def test_a_stream_that_nobody_holds_is_closed(talking: tuple[Talking, str]) -> None:
    server, url = talking

    with Client(url) as client:
        for _piece in client.chat("Hi", stream=True):
            break
        assert server.left.wait(LIMIT_S)


def test_an_error_in_the_readers_code_closes_the_stream(talking: tuple[Talking, str]) -> None:
    server, url = talking

    def read(client: Client) -> None:
        with client.chat("Hi", stream=True) as stream:
            next(stream)
            raise ZeroDivisionError

    with Client(url) as client:
        with pytest.raises(ZeroDivisionError):
            read(client)
        assert server.left.wait(LIMIT_S)


async def test_an_asynchronous_stream_is_closed_when_it_is_left(
    talking: tuple[Talking, str],
) -> None:
    server, url = talking

    async with AsyncClient(url) as client:
        async with await client.chat("Hi", stream=True) as stream:
            assert await anext(aiter(stream)) == "and "
        assert await asyncio.to_thread(server.left.wait, LIMIT_S)
        assert [piece async for piece in stream] == []


async def test_a_cancelled_task_leaves_its_stream(talking: tuple[Talking, str]) -> None:
    server, url = talking
    begun = asyncio.Event()

    async def read(client: AsyncClient) -> None:
        async with await client.chat("Hi", stream=True) as stream:
            async for _piece in stream:
                begun.set()

    async with AsyncClient(url) as client:
        task = asyncio.create_task(read(client))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.left.wait, LIMIT_S)


@both_read
def test_a_connection_lost_in_a_stream_is_told_and_not_tried_again(read: Use) -> None:
    asked: list[str] = []

    async def drop(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": event("half"), "more_body": True})
        raise ConnectionResetError  # uvicorn closes what is not whole

    with listening(drop) as url, pytest.raises(medley.Unreachable) as lost:
        read("chat", "Hi", client={"base_url": url})

    assert lost.value.was_sent
    assert asked == [CHAT]


@both
def test_a_server_that_stays_silent_is_given_up(use: Use, waits: list[float]) -> None:
    released = threading.Event()

    async def stay_silent(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.to_thread(released.wait, LIMIT_S)

    with listening(stay_silent) as url:
        with pytest.raises(medley.Unreachable) as silent:
            use("models", client={"base_url": url, "timeout_s": 0.05, "attempts": 2})
        released.set()

    assert silent.value.was_sent
    assert len(waits) == 1


def test_nothing_of_a_stream_is_lost_by_closing_it_twice(server: FakeServer) -> None:
    server.chats("a b")
    with closing(Client(**of(server)).chat("Hi", stream=True)) as stream:
        assert list(stream) == ["a ", "b"]
        stream.close()

    assert stream.answer.text == "a b"


def test_the_fake_raises_what_it_was_told_to(server: FakeServer, waits: list[float]) -> None:
    server.fail("POST", CHAT, httpx.ConnectError("refused"))

    with pytest.raises(medley.Unreachable) as failed:
        Client(**of(server)).chat("Hi")

    assert not failed.value.was_sent
    assert len(waits) == 2
