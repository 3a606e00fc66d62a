"""E11 of the serving study: busy adapters in every slot, and a request for one without a slot."""

import asyncio
from itertools import product

import httpx
import pytest
from medley_server.demo.showcase import DOCUMENTS, PLAIN_WORDS, TRIAGE_NOTE

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e

BUSY = [f"{shown.name}:{number}" for shown in (TRIAGE_NOTE, PLAIN_WORDS) for number in (1, 2)]
OTHER = f"{DOCUMENTS.name}:1"
LENGTHS = (48, 71)
"""Unequal, so that no adapter is idle between the answers of its load."""
HANG_S = 300
"""No measure of speed: in vLLM alone the request waits for as long as the load goes on."""


def body(model: str, tokens: int) -> dict[str, object]:
    return {"model": model, "prompt": "A cough.", "max_tokens": tokens, "ignore_eos": True}


async def keep_busy(client: httpx.AsyncClient, model: str, tokens: int) -> None:
    while True:
        answer = await client.post("/v1/completions", json=body(model, tokens))
        answer.raise_for_status()


@pytest.fixture
def url(server: RunningServer) -> str:
    health = server.process.health()
    assert health is not None
    assert health["slots"]["in_one_batch"] == len(BUSY), "the load must fill every slot"
    return server.process.url


async def test_a_request_for_an_adapter_without_a_slot_is_answered_while_the_load_goes_on(
    url: str,
) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=HANG_S, trust_env=False) as client:
        load = [
            asyncio.create_task(keep_busy(client, model, tokens))
            for model, tokens in product(BUSY, LENGTHS)
        ]
        try:
            async with asyncio.timeout(HANG_S):
                await _until_busy(client)
                answer = await client.post("/v1/completions", json=body(OTHER, 8))
            still_running = [task for task in load if not task.done()]
        finally:
            for task in load:
                task.cancel()
            await asyncio.gather(*load, return_exceptions=True)

        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == OTHER
        assert answer.json()["usage"]["completion_tokens"] == 8
        assert len(still_running) == len(load)
        await _until_nothing_is_left(client)


async def _until_busy(client: httpx.AsyncClient) -> None:
    while (await _admission(client))["running"] < len(BUSY) * len(LENGTHS):
        await asyncio.sleep(0.1)


async def _until_nothing_is_left(client: httpx.AsyncClient) -> None:
    """Callers who left give their turns back: no slot is leaked."""
    async with asyncio.timeout(HANG_S):
        while (await _admission(client))["queues"]:
            await asyncio.sleep(0.1)


async def _admission(client: httpx.AsyncClient) -> dict[str, int]:
    row: dict[str, int] = (await client.get("/health")).json()["admission"]
    return row
