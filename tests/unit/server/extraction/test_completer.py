"""Asking an engine's HTTP app in this process: requests, failures, streams, and leaving."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from medley.results import ServedModel
from medley_server.extraction.completer import AppCompleter
from medley_server.extraction.errors import EngineError, EngineUnavailable
from medley_server.extraction.question import Pinned, Question
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

VERSION = Pinned(
    engine_name="note@0123456789abcdef",
    reference="note:2",
    served=ServedModel(base="tiny", adapter="note:2"),
    salt="0123",
)
QUESTION = Question(
    model=VERSION,
    messages=({"role": "user", "content": "What is it?"},),
    max_tokens=7,
    schema={"type": "object", "properties": {}},
    wants_logprobs=True,
)
ANSWER = {
    "model": VERSION.engine_name,
    "choices": [
        {
            "message": {"role": "assistant", "content": "{}"},
            "finish_reason": "stop",
            "logprobs": {"content": [{"token": "{}", "logprob": math.log(0.5)}]},
        }
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 1},
    "metrics": {"queue_time_ms": 2.0, "time_to_first_token_ms": 5.0, "generation_time_ms": 9.0},
}

Handler = Callable[[Request], Awaitable[Response]]


def app_of(chat: Handler, path: str = "/v1/chat/completions") -> Starlette:
    return Starlette(routes=[Route(path, chat, methods=["POST"])])


def completer_of(app: Any, *, alive: bool = True) -> AppCompleter:
    return AppCompleter(app, is_alive=lambda: alive)


async def test_an_answer_comes_with_its_tokens_and_what_it_cost() -> None:
    asked: list[dict[str, Any]] = []

    async def chat(request: Request) -> Response:
        asked.append(await request.json())
        return JSONResponse(ANSWER)

    completion = await completer_of(app_of(chat)).complete(QUESTION)

    assert (completion.text, completion.is_whole) == ("{}", True)
    assert completion.tokens[0].logprob == pytest.approx(math.log(0.5))
    assert (completion.input_tokens, completion.output_tokens) == (11, 1)
    assert completion.timing == (2.0, 3.0, 9.0)
    (request,) = asked
    assert request["model"] == VERSION.engine_name
    assert request["cache_salt"] == "0123"
    assert (request["temperature"], request["max_tokens"]) == (0.0, 7)
    assert request["structured_outputs"]["grammar"].startswith("root ::=") or (
        "\nroot ::=" in request["structured_outputs"]["grammar"]
    )


async def test_an_answer_that_the_budget_ended_is_not_whole() -> None:
    async def chat(request: Request) -> Response:
        cut = {**ANSWER, "choices": [{**ANSWER["choices"][0], "finish_reason": "length"}]}  # type: ignore[index]
        return JSONResponse(cut)

    assert not (await completer_of(app_of(chat)).complete(QUESTION)).is_whole


async def test_the_base_itself_is_asked_without_a_salt() -> None:
    asked: list[dict[str, Any]] = []

    async def chat(request: Request) -> Response:
        asked.append(await request.json())
        return JSONResponse(ANSWER)

    base = Pinned(engine_name="tiny", reference="tiny", served=ServedModel(base="tiny"))
    free = Question(model=base, messages=QUESTION.messages, max_tokens=1)
    await completer_of(app_of(chat)).complete(free)

    assert "cache_salt" not in asked[0]
    assert "structured_outputs" not in asked[0]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_what_the_engine_says_of_a_failure_stays_inside(status: int) -> None:
    async def chat(request: Request) -> Response:
        return JSONResponse({"error": {"message": "/secret/path"}}, status_code=status)

    with pytest.raises(EngineError) as failed:
        await completer_of(app_of(chat)).complete(QUESTION)

    assert "secret" not in str(failed.value.body())
    assert failed.value.status == 502


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices":[]}', b"no json"])
async def test_an_answer_of_an_unknown_form_is_an_engine_error(body: bytes) -> None:
    async def chat(request: Request) -> Response:
        return Response(body)

    with pytest.raises(EngineError):
        await completer_of(app_of(chat)).complete(QUESTION)


async def test_an_app_that_raises_is_an_engine_error() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("/secret/path")

    with pytest.raises(EngineError) as failed:
        await completer_of(app).complete(QUESTION)

    assert "secret" not in str(failed.value)


async def test_a_dead_engine_is_unavailable() -> None:
    async def chat(request: Request) -> Response:
        return JSONResponse({"error": {}}, status_code=500)

    with pytest.raises(EngineUnavailable):
        await completer_of(app_of(chat), alive=False).complete(QUESTION)


async def test_an_engine_that_dies_while_it_answers_is_unavailable() -> None:
    life = [True]

    async def chat(request: Request) -> Response:
        life.clear()
        return JSONResponse({"error": {}}, status_code=500)

    completer = AppCompleter(app_of(chat), is_alive=lambda: bool(life))

    with pytest.raises(EngineUnavailable):
        await completer.complete(QUESTION)


async def test_the_app_sees_the_root_that_it_stands_under() -> None:
    roots: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        roots.append(scope["app"])
        await JSONResponse(ANSWER)(scope, receive, send)

    root = object()
    await AppCompleter(app, is_alive=lambda: True, root=root).complete(QUESTION)

    assert roots == [root]


async def test_a_caller_who_leaves_is_told_to_the_app() -> None:
    """As vLLM does it: one task works, another waits for the word that the caller is gone."""
    began, stopped = asyncio.Event(), asyncio.Event()

    async def chat(request: Request) -> Response:
        async def work() -> None:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()

        async def listen() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass

        await request.body()
        tasks = [asyncio.create_task(work()), asyncio.create_task(listen())]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return Response()

    call = asyncio.create_task(completer_of(app_of(chat)).complete(QUESTION))
    await began.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert stopped.is_set()


def event(**chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


async def test_events_come_one_by_one_and_under_our_reference() -> None:
    given: list[int] = []

    async def chat(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            for n in range(3):
                given.append(n)
                yield event(model=VERSION.engine_name, n=n)

        assert (await request.json())["stream"]
        return StreamingResponse(events(), media_type="text/event-stream")

    seen = []
    async for said in completer_of(app_of(chat)).stream(QUESTION):
        seen.append(said)
        assert len(given) >= len(seen)

    assert seen == [event(model="note:2", n=n) for n in range(3)]


async def test_a_stream_is_refused_before_its_first_event() -> None:
    async def chat(request: Request) -> Response:
        return JSONResponse({"error": {"message": "secret"}}, status_code=400)

    with pytest.raises(EngineError):
        await anext(completer_of(app_of(chat)).stream(QUESTION))


async def test_a_failure_within_a_stream_tells_nothing_of_the_inside() -> None:
    async def chat(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield event(model=VERSION.engine_name)
            yield b'data: {"error": {"message": "/secret/path"}}\n\n'

        return StreamingResponse(events(), media_type="text/event-stream")

    seen = [said async for said in completer_of(app_of(chat)).stream(QUESTION)]

    assert b"secret" not in b"".join(seen)
    assert json.loads(seen[1].removeprefix(b"data: "))["error"]["code"] == "engine_error"


async def test_closing_a_stream_ends_the_work_for_it() -> None:
    stopped = asyncio.Event()

    async def chat(request: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield event(model=VERSION.engine_name)
                    await asyncio.sleep(0)
            finally:
                stopped.set()

        return StreamingResponse(events(), media_type="text/event-stream")

    stream: Any = completer_of(app_of(chat)).stream(QUESTION)
    await anext(stream)
    await stream.aclose()

    assert stopped.is_set()


async def test_the_size_of_a_question_is_the_engines() -> None:
    async def tokenize(request: Request) -> Response:
        assert (await request.json())["model"] == VERSION.engine_name
        return JSONResponse({"count": 12, "max_model_len": 2048, "tokens": []})

    size = await completer_of(app_of(tokenize, "/tokenize")).size(QUESTION)

    assert size == (12, 2048)
