"""Limits on the routes of documents, which have their own shape of refusal."""

import asyncio
from typing import Any

import httpx
import pytest
from medley_server.document_app import Fence
from medley_server.gateway import Documents, Gateway
from medley_server.limits.table import KeyLimits, Limits
from medley_server.service import Service

from tests.unit.server.conftest import not_vllm


async def reading_app(scope: Any, receive: Any, send: Any) -> None:
    """Takes a whole body, and answers with its length."""
    size, more = 0, scope["method"] == "POST"
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    await asyncio.sleep(0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def front(service: Service, **default: int) -> httpx.AsyncClient:
    app: Any = Fence(reading_app)
    gateway = Gateway(
        not_vllm,
        service=service,
        api_keys=("right",),
        max_body_bytes=10,
        documents=Documents(app, dict),
        limits=Limits(default=KeyLimits(**default)),
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=gateway),
        base_url="http://127.0.0.1",
        headers={"authorization": "Bearer right"},
    )


async def test_a_longer_document_than_the_keys_limit_answers_413(service: Service) -> None:
    async with front(service, max_body_bytes=1000) as client:
        passed = await client.post("/v1/extract", content=b"x" * 1000)
        refused = await client.post("/v1/extract", content=b"x" * 1001)

    error = refused.json()["error"]
    assert (passed.status_code, passed.text) == (200, "1000")
    assert (refused.status_code, error["code"], error["retryable"]) == (
        413,
        "file_too_large",
        False,
    )


async def test_documents_count_as_requests_and_questions_about_jobs_do_not(
    service: Service,
) -> None:
    async with front(service, requests_per_minute=1) as client:
        first = await client.post("/v1/extract", content=b"x")
        refused = await client.post("/v1/extract", content=b"x")
        looks = [await client.get("/v1/jobs/1") for _ in range(5)]

    error = refused.json()["error"]
    assert first.status_code == 200
    assert (refused.status_code, error["code"], error["retryable"]) == (429, "rate_limited", True)
    assert int(refused.headers["retry-after"]) >= 1
    assert {look.status_code for look in looks} == {200}


@pytest.mark.parametrize("most", [1, 3])
async def test_as_many_documents_at_once_as_the_key_may(service: Service, most: int) -> None:
    async with front(service, concurrent_requests=most) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/extract", content=b"x") for _ in range(5))
        )
        later = await client.post("/v1/extract", content=b"x")

    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * most + [429] * (5 - most)
    assert later.status_code == 200
