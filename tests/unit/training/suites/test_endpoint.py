import asyncio

import httpx
import pytest
from medley_training.errors import NotMeasured
from medley_training.suites.endpoint import Endpoint, ServerAddress
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.in_flight import MOST_FAILURES, all_answered

from tests.unit.training.suites.fake_server import FakeServer

HELLO = [{"role": "user", "content": "hello"}]


def _endpoint(handler: object) -> Endpoint:
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
    address = ServerAddress("http://server")
    return Endpoint(address, concurrency=2, transport=transport, pauses_s=(0, 0))


async def test_a_broken_connection_is_tried_again(
    server: FakeServer, model: EvaluatedModel
) -> None:
    breaks = [httpx.ConnectError("refused"), httpx.ReadError("reset")]

    def answer(request: httpx.Request) -> httpx.Response:
        if breaks:
            raise breaks.pop()
        return server.answer(request)

    async with _endpoint(answer) as endpoint:
        said = await endpoint.chat(model, HELLO, max_tokens=8)

    assert said.text == "hello"


async def test_a_connection_that_stays_broken_is_no_answer(model: EvaluatedModel) -> None:
    tries = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ConnectError("refused")

    async with _endpoint(answer) as endpoint:
        with pytest.raises(NotMeasured, match="refused"):
            await endpoint.chat(model, HELLO, max_tokens=8)

    assert tries == 3


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_a_refusal_is_not_tried_again(model: EvaluatedModel, status: int) -> None:
    tries = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        return httpx.Response(status, text="no\nindeed")

    async with _endpoint(answer) as endpoint:
        with pytest.raises(NotMeasured, match=f"{status}: no indeed"):
            await endpoint.chat(model, HELLO, max_tokens=8)

    assert tries == 1


async def test_an_answer_of_another_version_is_no_answer(
    server: FakeServer, model: EvaluatedModel
) -> None:
    server.digests[model.name] = "sha256:" + 64 * "0"

    async with server.endpoint() as endpoint:
        with pytest.raises(NotMeasured, match="another registry"):
            await endpoint.chat(model, HELLO, max_tokens=8)


@pytest.mark.parametrize(
    "body", [b"[]", b"none", b"{}", b'{"choices": []}', b'{"choices": [{"message": {}}]}']
)
async def test_a_body_that_is_no_completion_is_no_answer(
    server: FakeServer, model: EvaluatedModel, body: bytes
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"x-medley-digest": server.digests[model.name]}
        return httpx.Response(200, content=body, headers=headers)

    async with _endpoint(answer) as endpoint:
        with pytest.raises(NotMeasured):
            await endpoint.chat(model, HELLO, max_tokens=8)
        with pytest.raises(NotMeasured):
            await endpoint.completions(model, [[1]], prompt_logprobs=0)


async def test_a_server_of_ones_own_is_called_with_its_key_and_through_no_proxy(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLEY_API_KEY", "of-another-server")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    with server.listening() as url:
        async with Endpoint(ServerAddress(url, "own"), concurrency=1) as endpoint:
            await endpoint.facts()

    assert endpoint.key == "own"
    assert ServerAddress(url).key == "of-another-server"
    assert "own" not in repr(ServerAddress(url, "own"))


async def test_so_many_questions_are_under_way_and_their_answers_are_in_order() -> None:
    under_way = most = 0

    async def ask(question: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return 10 * question

    found = await all_answered(range(50), ask, at_once=7, observer=lambda done, total: None)

    assert found == [10 * question for question in range(50)]
    assert most == 7


async def test_questions_without_an_answer_are_counted() -> None:
    async def ask(question: int) -> int:
        if question % 5 == 0:
            raise NotMeasured(f"nothing to {question}")
        return question

    with pytest.raises(NotMeasured, match="4 of 20 questions were not answered") as caught:
        await all_answered(range(20), ask, at_once=3, observer=lambda done, total: None)

    assert "nothing to 0" in str(caught.value)


async def test_a_server_that_is_gone_is_not_asked_everything() -> None:
    asked = 0

    async def ask(question: int) -> int:
        nonlocal asked
        asked += 1
        raise NotMeasured("gone")

    with pytest.raises(NotMeasured, match="1000 of 1000"):
        await all_answered(range(1000), ask, at_once=4, observer=lambda done, total: None)

    assert asked < MOST_FAILURES + 4
