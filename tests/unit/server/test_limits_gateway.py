"""Limits as callers meet them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from medley_registry import Registry
from medley_server.gateway import Gateway
from medley_server.limits import bad_keys
from medley_server.limits.bad_keys import WRONG_PER_MINUTE
from medley_server.limits.table import KeyLimits, Limits
from medley_server.service import Service

from tests.builders import TINY
from tests.unit.server.test_gateway import EchoApp, chat


@asynccontextmanager
async def front(
    service: Service, app: Any, limits: Limits | None = None, **default: int
) -> AsyncIterator[httpx.AsyncClient]:
    gateway = Gateway(
        app,
        service=service,
        api_keys=("right", "other"),
        max_body_bytes=10_000,
        limits=limits or Limits(default=KeyLimits(**default)),
    )
    async with (
        service.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=gateway),
            base_url="http://127.0.0.1",
            headers={"authorization": "Bearer right"},
        ) as client,
    ):
        yield client


@pytest.mark.parametrize("model", ["note", TINY])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"n": 5}, "`n` is 5; this key may ask for 4 answers at most."),
        ({"max_tokens": 101}, "`max_tokens` is 101; this key may ask for 100 at most."),
        ({"max_completion_tokens": 101}, "`max_completion_tokens` is 101"),
    ],
)
async def test_more_than_a_limit_answers_400_and_names_it(
    service: Service, model: str, asked: dict[str, int], told: str
) -> None:
    app = EchoApp()

    async with front(service, app, n=4, max_tokens=100) as client:
        refused = await chat(client, model, **asked)
        passed = await chat(client, model, n=4, max_tokens=100)

    assert refused.status_code == 400
    assert told in refused.json()["error"]["message"]
    assert passed.status_code == 200
    assert len(app.requests) == 1


@pytest.mark.parametrize("model", ["note", TINY])
async def test_a_request_that_bounds_no_answer_gets_the_bound_of_its_key(
    service: Service, model: str
) -> None:
    app = EchoApp()

    async with front(service, app, max_tokens=100) as client:
        await chat(client, model)
        await chat(client, model, max_completion_tokens=7)

    assert app.requests[0]["max_tokens"] == 100
    assert "max_tokens" not in app.requests[1]


async def test_many_answers_are_refused_without_any_table(service: Service) -> None:
    async with front(service, EchoApp()) as client:
        refused = await chat(client, TINY, n=10_000)

    assert refused.status_code == 400


async def test_a_longer_body_than_the_keys_answers_413(service: Service) -> None:
    app = EchoApp()

    async with front(service, app, max_body_bytes=100) as client:
        refused = await chat(client, "note", user="x" * 100)

    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "body_too_large")
    assert app.requests == []


async def test_a_rate_answers_429_with_when_to_come_back(service: Service) -> None:
    only = Limits(keys={"configured key 1": KeyLimits(requests_per_minute=1)})

    async with front(service, EchoApp(), only) as client:
        answers = [await chat(client, "note") for _ in range(2)]
        others = await client.post(
            "/v1/chat/completions",
            json={"model": "note"},
            headers={"authorization": "Bearer other"},
        )

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    assert others.status_code == 200


async def test_a_key_of_the_registry_has_the_limits_of_its_name(
    service: Service, registry: Registry
) -> None:
    _, secret = registry.access.add("ward 3", scopes=["infer"], actor="test")
    only = Limits(keys={"ward 3": KeyLimits(n=2)})
    as_ward = {"authorization": f"Bearer {secret}"}

    async with front(service, EchoApp(), only) as client:
        body = {"model": "note", "n": 3}
        refused = await client.post("/v1/chat/completions", json=body, headers=as_ward)
        passed = await client.post("/v1/chat/completions", json=body)

    assert (refused.status_code, passed.status_code) == (400, 200)


async def models(client: httpx.AsyncClient, key: str) -> httpx.Response:
    return await client.get("/v1/models", headers={"authorization": f"Bearer {key}"})


async def test_after_many_wrong_keys_no_new_one_is_looked_at(service: Service) -> None:
    async with front(service, EchoApp()) as client:
        known = await models(client, "right")
        wrong = [(await models(client, f"guess-{n}")).status_code for n in range(50)]
        guessed = await models(client, "other")
        still = await models(client, "right")

    assert known.status_code == 200
    assert wrong[:WRONG_PER_MINUTE] == [401] * WRONG_PER_MINUTE
    assert wrong[WRONG_PER_MINUTE + 1 :].count(401) <= 1
    assert guessed.status_code == 429
    assert int(guessed.headers["retry-after"]) >= 1
    assert still.status_code == 200


async def test_a_program_with_one_old_key_shuts_nobody_out(service: Service) -> None:
    async with front(service, EchoApp()) as client:
        wrong = {(await models(client, "old")).status_code for _ in range(100)}
        answer = await models(client, "right")

    assert wrong == {401}
    assert answer.status_code == 200


async def test_requests_without_a_key_are_no_guesses(service: Service) -> None:
    async with front(service, EchoApp()) as client:
        for _ in range(100):
            assert (await models(client, "")).status_code == 401
        answer = await models(client, "right")

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("one", "another", "is_same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(one: str, another: str, is_same: bool) -> None:
    addresses = [bad_keys._address({"client": (host, 1)}) for host in (one, another)]

    assert (addresses[0] == addresses[1]) is is_same
