"""Answers that are seen by whoever is still sending.

A connection that is closed with bytes unread is reset, and a reset may take the answer away before
the caller has read it. So the rest of a body that a refusal left unread is read, within limits,
before the connection may be closed.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MOST_BYTES = 256 << 20
LONGEST_S = 10.0
_BODY = frozenset({b"content-length", b"transfer-encoding"})


def drained(scope: "Scope", receive: "Receive", send: "Send") -> tuple["Receive", "Send"]:
    """Both ways of a request, so that the end of its answer waits for the end of its body.

    The answer itself goes out at once: callers who look for it while they send may stop. Those who
    wait to be told to go on (`Expect: 100-continue`) have sent nothing.
    """
    headers = dict(scope["headers"])
    is_read = _BODY.isdisjoint(headers)
    has_begun = b"expect" not in headers

    async def receive_on() -> "Message":
        nonlocal is_read, has_begun
        has_begun = True
        message = await receive()
        is_read = not message.get("more_body", False)
        return message

    async def rest() -> None:
        left = MOST_BYTES
        while not is_read and left > 0:
            left -= len((await receive_on()).get("body", b""))

    async def send_on(message: "Message") -> None:
        is_end = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not is_end or is_read or not has_begun:
            await send(message)
            return
        await send({**message, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                await rest()
        await send({"type": "http.response.body", "body": b""})

    return receive_on, send_on
