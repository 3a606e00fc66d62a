"""Bodies of requests: read within a limit, and given again to whoever comes next."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from medley_server.errors import BadRequest, BodyTooLarge

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope


async def read_body(receive: "Receive", limit: int) -> bytes:
    """A whole body.

    Raises:
        BodyTooLarge: it is longer than `limit` bytes.
        BadRequest: the caller left before its end.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("The caller left before the body was complete.")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise BodyTooLarge(f"The body is longer than {limit} bytes.")
        more = message.get("more_body", False)
    return b"".join(chunks)


def bounded(receive: "Receive", limit: int, *, too_large: Callable[[str], Exception]) -> "Receive":
    """Receives a body of so many bytes at most; of more it raises what `too_large` makes."""
    size = 0

    async def receive_on() -> "Message":
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise too_large(f"The body is longer than this key's limit of {limit} bytes.")
        return message

    return receive_on


def replayed(body: bytes, receive: "Receive") -> "Receive":
    """Gives the body that was read, then whatever comes after it (a disconnect)."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> "Message":
        return pending.pop() if pending else await receive()

    return replay


def with_length(scope: "Scope", length: int) -> "Scope":
    """The scope of a request whose body now has another length."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}
