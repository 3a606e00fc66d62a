"""Streams: what is measured of them, and that they reach the caller as he asked for them."""

import asyncio
import json
from typing import Any

import pytest
from medley_server.observing.access_log import AccessLog
from medley_server.observing.ledger import Ledger
from medley_server.observing.observed import Observed
from medley_server.observing.usage import tokens_of

from tests.unit.server.observing.conftest import Observe
from tests.unit.server.observing.speaking_app import PROMPT_TOKENS, WORDS, compact


def events_of(text: str) -> list[Any]:
    told = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert told[-1] == "[DONE]"
    return [json.loads(one) for one in told[:-1]]


async def test_who_did_not_ask_for_usage_gets_a_stream_without_it(observe: Observe) -> None:
    async with observe() as seen:
        answer = await seen.chat(stream=True)

    events = events_of(answer.text)
    assert [one["choices"][0]["delta"]["content"] for one in events] == list(WORDS)
    assert seen.app.requests[0]["stream_options"]["include_usage"] is True
    assert seen.logged[0]["completion_tokens"] == len(WORDS)


@pytest.mark.parametrize("options", [{"include_usage": True}, {"include_usage": True, "x": 1}])
async def test_who_asked_for_usage_gets_it_and_his_own_words_reach_the_engine(
    observe: Observe, options: dict[str, Any]
) -> None:
    async with observe() as seen:
        answer = await seen.chat(stream=True, stream_options=options)

    assert events_of(answer.text)[-1]["usage"]["prompt_tokens"] == PROMPT_TOKENS
    assert seen.app.requests[0]["stream_options"] == options
    assert seen.logged[0]["prompt_tokens"] == PROMPT_TOKENS


async def test_the_base_is_counted_like_an_adapter(observe: Observe) -> None:
    async with observe() as seen:
        answer = await seen.chat(seen.service.base_name, stream=True)

    assert len(events_of(answer.text)) == len(WORDS)
    assert seen.logged[0]["completion_tokens"] == len(WORDS)


async def test_options_of_a_stream_that_are_none_are_left_to_the_engine(observe: Observe) -> None:
    async with observe() as seen:
        await seen.chat(stream=True, stream_options="x")

    assert seen.app.requests[0]["stream_options"] == "x"


@pytest.mark.parametrize("stream", ["true", 1, 0, [True]])
async def test_what_vllm_would_take_for_a_stream_is_refused(observe: Observe, stream: Any) -> None:
    async with observe() as seen:
        answer = await seen.chat(stream=stream)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "`stream` must be true or false."
    assert seen.app.requests == []


async def test_a_caller_who_leaves_is_told_from_one_who_got_everything() -> None:
    lines: list[str] = []
    ledger = Ledger(offers=lambda _: True)
    left = asyncio.Event()

    async def streams(scope: Any, receive: Any, send: Any) -> None:
        kind = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await send({"type": "http.response.body", "body": b"data: {}", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Any:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message.get("body"):
            left.set()

    scope = {"type": "http", "method": "POST", "path": "/v1/completions", "headers": []}
    await Observed(streams, ledger, access_log=AccessLog(lines.append))(scope, receive, send)

    assert json.loads(lines[0])["left"] is True
    assert dict(ledger.series[0].requests) == {("/v1/completions", "left"): 1}


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (compact({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}), (3, 4)),
        (compact({"usage": {"prompt_tokens": 3}}), (3, 0)),
        (compact({"response": {"usage": {"input_tokens": 5, "output_tokens": 6}}}), (5, 6)),
        (compact({"choices": [{"text": '"usage":{"prompt_tokens":9}'}]}), None),
        (compact({"tools": {"usage": {"prompt_tokens": 1}},
                  "usage": {"prompt_tokens": 7, "completion_tokens": 8}}), (7, 8)),
        (compact({"usage": None}), None),
        (b"", None),
    ],
)  # fmt: skip
def test_tokens_are_read_from_what_the_engine_says_alone(
    body: bytes, tokens: tuple[int, int] | None
) -> None:
    assert tokens_of(body) == tokens
