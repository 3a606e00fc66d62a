"""What the gateway itself adds to a request and to each streamed event, without an engine.

    python -m tests.bench.gateway_cost [--repeats 2000]

The same ASGI app is called as it is, through the gateway, and through the gateway that is observed
(metrics and access log; also with spans that go nowhere), in turns, in one process: a chat request
of 2 kB, answered by a stream of 64 events. Medians.
"""

import argparse
import asyncio
import io
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from medley_registry import open_registry
from medley_server.engine.fake import FakeEngine
from medley_server.gateway import Gateway
from medley_server.observing.access_log import AccessLog
from medley_server.observing.ledger import Ledger
from medley_server.observing.observed import Observed
from medley_server.observing.tracing import Tracing
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings
from opentelemetry.sdk.trace import TracerProvider

from tests.builders import TINY, make_adapter, make_base

EVENTS = 64


async def streaming_app(scope: Any, receive: Any, send: Any) -> None:
    """Reads the request, and answers as vLLM streams."""
    model = json.loads((await receive())["body"])["model"]
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    event = b'data: {"id":"chatcmpl-1","model":"%s","choices":[{"delta":{"content":" heart"}}]}\n\n'
    for _ in range(EVENTS):
        await send(
            {"type": "http.response.body", "body": event % model.encode(), "more_body": True}
        )
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def call(app: Any, model: str) -> float:
    """Microseconds of one request through `app`."""
    messages = [{"role": "user", "content": "heart " * 330}]
    body = json.dumps({"model": model, "stream": True, "messages": messages}).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"content-length", str(len(body)).encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        pass

    started = time.perf_counter()
    await app(scope, receive, send)
    return (time.perf_counter() - started) * 1e6


async def measure(service: Service, repeats: int) -> dict[str, float]:
    """Median microseconds, as it is and through the gateway, for the base and for an adapter."""
    gateway = Gateway(streaming_app, service=service, api_keys=(), max_body_bytes=1 << 20)
    ledger = Ledger(offers=service.offers)
    written = io.StringIO()
    lines = AccessLog(lambda line: print(line, file=written))
    tracing = Tracing(TracerProvider(shutdown_on_exit=False))
    observed = Observed(gateway, ledger, access_log=lines)
    traced = Observed(gateway, ledger, access_log=lines, tracing=tracing)
    cases = {
        "app alone": (streaming_app, TINY),
        "base": (gateway, TINY),
        "adapter": (gateway, "a"),
        "adapter, observed": (observed, "a"),
        "adapter, traced": (traced, "a"),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    async with service.running():
        for _ in range(repeats):
            for name, (app, model) in cases.items():
                taken[name].append(await call(app, model))
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Prints the medians and the differences."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=2000)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name, open_registry(f"{name}/r", create=True) as registry:
        base = registry.add_base(TINY, make_base(Path(name) / "base"), actor="bench")
        registry.publish(make_adapter(Path(name) / "a"), name="a", base=TINY, actor="bench")
        registry.promote("a", 1, actor="bench")
        settings = ServeSettings(
            base=TINY,
            registry=f"{name}/r",
            host="127.0.0.1",
            port=8000,
            api_keys=(),
            max_loras=None,
            cache=Path(name) / "cache",
        )
        service = Service(registry, ServedBase.as_it_is(base), FakeEngine(), settings)
        medians = asyncio.run(measure(service, repeats))
    alone = medians["app alone"]
    for case, median in medians.items():
        if case != "app alone":
            print(f"{case:17} adds {median - alone:6.0f} us to a request with {EVENTS} events")


if __name__ == "__main__":
    main()
