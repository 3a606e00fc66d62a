"""A gateway that is observed, before an app that answers as vLLM does."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from medley_server.gateway import Gateway
from medley_server.observing.access_log import AccessLog
from medley_server.observing.ledger import Ledger
from medley_server.observing.metrics import Metrics
from medley_server.observing.observed import Observed
from medley_server.observing.swaps import SwapsSeen
from medley_server.observing.tracing import Tracing
from medley_server.service import Service
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.server.observing.speaking_app import SpeakingApp

KEY = "root"


@dataclass
class Observation:
    """What a caller can do, and what was seen of it."""

    http: httpx.AsyncClient
    app: SpeakingApp
    ledger: Ledger
    service: Service
    lines: list[str] = field(default_factory=list)

    async def chat(self, model: str = "note", **more: Any) -> httpx.Response:
        messages = [{"role": "user", "content": "heart"}]
        body = {"model": model, "messages": messages} | more
        return await self.http.post("/v1/chat/completions", json=body)

    async def scrape(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample, by name and labels."""
        text = (await self.http.get("/metrics")).text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def value(self, name: str, **labels: str) -> float | None:
        return (await self.scrape()).get((name, frozenset(labels.items())))

    @property
    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


Observe = Callable[..., AbstractAsyncContextManager[Observation]]


@pytest.fixture
def observe(service: Service) -> Observe:
    @asynccontextmanager
    async def opened(
        app: SpeakingApp | None = None,
        *,
        tracing: Tracing | None = None,
        most: int = 200,
        wrapped: Callable[[Any], Any] = lambda app: app,
    ) -> AsyncIterator[Observation]:
        ledger = Ledger(offers=service.offers, most=most)
        metrics = Metrics(ledger, residency=service.tiers, health=lambda: service.health()[1])
        service.observe(on_step=SwapsSeen(ledger, tracing), on_wait=ledger.note_wait)
        app = app or SpeakingApp()
        lines: list[str] = []
        gateway = Gateway(
            app, service=service, api_keys=(KEY,), max_body_bytes=10_000, metrics=metrics
        )
        watched = Observed(gateway, ledger, access_log=AccessLog(lines.append), tracing=tracing)
        async with (
            service.running(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=wrapped(watched)),
                base_url="http://test",
                headers={"authorization": f"Bearer {KEY}"},
            ) as http,
        ):
            yield Observation(http, app, ledger, service, lines)

    return opened
