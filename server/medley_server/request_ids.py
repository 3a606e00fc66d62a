"""The id of a request, by which its answer, its log lines and its job are found again."""

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

REQUEST_ID = "medley.request_id"
"""Where an ASGI scope holds it."""

HEADER = b"x-request-id"

_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def request_id_of(scope: "Scope") -> str:
    """The caller's own, where it is short and plain enough to be logged, else a new one."""
    given: bytes = dict(scope["headers"]).get(HEADER, b"")
    if _SANE.fullmatch(given):
        return given.decode("ascii")
    return f"req_{secrets.token_hex(12)}"


def with_request_id(send: "Send", request_id: str) -> "Send":
    """Every answer that goes this way bears the id."""

    async def send_on(message: "Message") -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", []) if pair[0].lower() != HEADER]
            message = {**message, "headers": [*others, (HEADER, request_id.encode())]}
        await send(message)

    return send_on
