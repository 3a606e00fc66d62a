"""Our metrics beside vLLM's, in one answer, whatever way vLLM collects its own."""

from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NEGOTIATED = frozenset({b"accept", b"accept-encoding"})


async def beside(
    app: "ASGIApp", ours: bytes, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Passes on what vLLM's app says of itself, with `ours` behind it.

    It is asked for plain text, uncompressed: other formats end with a mark.
    """
    headers = [pair for pair in scope["headers"] if pair[0] not in _NEGOTIATED]
    start: Message = {}
    body = bytearray()

    async def collect(message: "Message") -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        if start["status"] == HTTPStatus.OK:
            body.extend(ours)
        lines = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        start["headers"] = [*lines, (b"content-length", b"%d" % len(body))]
        await send(start)
        await send({"type": "http.response.body", "body": bytes(body)})

    await app({**scope, "headers": headers}, receive, collect)
