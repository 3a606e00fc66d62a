"""Both clients under one face, so that every promise is tested of both."""

import asyncio
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest
from medley import AsyncClient, Client
from medley.testing import FakeServer

Use = Callable[..., Any]
"""``use("jobs.wait", "job-1", transport=..., timeout_s=1)``; `client` has the client's settings."""


def of(server: FakeServer, **more: Any) -> dict[str, Any]:
    """A client's settings."""
    return {"api_key": "k", "transport": server.transport, **more}


def use_blocking(method: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
    with Client(**{"base_url": "http://medley.test", **client}) as used:
        return attrgetter(method)(used)(*args, **options)


def use_async(method: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(**{"base_url": "http://medley.test", **client}) as used:
            return await attrgetter(method)(used)(*args, **options)

    return asyncio.run(run())


def read_blocking(method: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
    """The pieces of a stream, and the answer that they add up to."""
    with Client(**{"base_url": "http://medley.test", **client}) as used:
        with attrgetter(method)(used)(*args, stream=True, **options) as stream:
            pieces = list(stream)
        return pieces, stream.answer


def read_async(method: str, *args: Any, client: dict[str, Any], **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(**{"base_url": "http://medley.test", **client}) as used:
            async with await attrgetter(method)(used)(*args, stream=True, **options) as stream:
                pieces = [piece async for piece in stream]
            return pieces, stream.answer

    return asyncio.run(run())


both = pytest.mark.parametrize("use", [use_blocking, use_async], ids=["blocking", "async"])
both_read = pytest.mark.parametrize("read", [read_blocking, read_async], ids=["blocking", "async"])
