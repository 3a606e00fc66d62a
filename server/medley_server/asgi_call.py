"""Calling an ASGI app in this process, piece by piece.

httpx's own transport collects a whole answer before it gives any of it, and tells the app nothing
when the caller leaves; an engine would then go on writing for nobody.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

_LEAVING_S = 5.0
"""How long an app that was told that the caller left may take to stop by itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still coming."""

    status: int
    body: AsyncIterator[bytes]


@asynccontextmanager
async def asgi_stream(
    app: "ASGIApp", path: str, request: Mapping[str, Any], *, root: Any = None
) -> AsyncIterator[Answer]:
    """Posts JSON; leaving the block tells the app that the caller is gone, and waits for its end.

    Args:
        app: Called with a scope of its own.
        path: Of the route.
        request: The JSON body.
        root: The `app` of the scope, for an app that stands below the one with the state.
    """
    messages: asyncio.Queue[Message | None] = asyncio.Queue()
    left = asyncio.Event()
    call = asyncio.create_task(_call(app, _scope(path, root), request, messages, left))
    try:
        yield Answer(await _status(messages, call), _body(messages, call))
    finally:
        left.set()
        await _end(call)


def _scope(path: str, root: Any) -> "Scope":
    return {
        "type": "http",
        # From 2.4 on Starlette waits for `send` to fail and no longer for the word that we give.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"engine"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 0),
        "server": ("engine", 80),
        "state": {},
    } | ({} if root is None else {"app": root})


async def _call(
    app: "ASGIApp",
    scope: "Scope",
    request: Mapping[str, Any],
    messages: "asyncio.Queue[Message | None]",
    left: asyncio.Event,
) -> None:
    body = json.dumps(request, separators=(",", ":")).encode()
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> "Message":
        if pending:
            return pending.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: "Message") -> None:
        messages.put_nowait(message)

    try:
        await app(scope, receive, send)
    finally:
        messages.put_nowait(None)


async def _status(messages: "asyncio.Queue[Message | None]", call: asyncio.Task[None]) -> int:
    while (message := await messages.get()) is not None:
        if message["type"] == "http.response.start":
            return int(message["status"])
    await call  # raises what the app raised
    raise RuntimeError("the app ended without an answer")


async def _body(
    messages: "asyncio.Queue[Message | None]", call: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    while (message := await messages.get()) is not None:
        if message["type"] == "http.response.body":
            if body := message.get("body", b""):
                yield body
            if not message.get("more_body", False):
                return
    await call


async def _end(call: asyncio.Task[None]) -> None:
    """Lets the app stop by itself, so that it can tell the engine; then ends it."""
    try:
        await asyncio.wait([call], timeout=_LEAVING_S)
    finally:
        if not call.done():
            call.cancel()
        elif not call.cancelled():
            call.exception()  # was raised to the caller, or is of an answer that nobody reads
