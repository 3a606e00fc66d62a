"""An answer of ours: JSON, whole."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Send


async def send_json(
    send: "Send", status: int, body: object, *, headers: Mapping[str, str] | None = None
) -> None:
    """A whole answer of ours."""
    payload = json.dumps(body).encode()
    lines = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(payload))]
    lines += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": payload})
