"""Gradio's app below `/page/`, and its first page at `/`, made ours."""

import re
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from medley_server.page.own_files import SECURITY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_CARDS = re.compile(
    rb"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>|<link rel=\"manifest\"[^>]*>"
)
"""What tells other sites about Gradio, and makes an app of it."""

_HEAD = (
    b'<meta name="description" content="Medical documents to records, with the place of every '
    b'value"><link rel="icon" href="data:,"><link rel="stylesheet" href="own/page.css">'
    b'<script src="own/key.js"></script><script src="own/page.js"></script></head>'
)


class Front:
    """An ASGI app around Gradio's."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request."""
        below = {**scope, "root_path": "/page"}
        if scope["path"].rstrip("/"):
            await self._app(below, receive, send)
            return
        plain = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        below |= {"path": "/page/", "raw_path": b"/page/", "method": "GET", "headers": plain}
        status, html = await self._first_page(below, receive)
        await HTMLResponse(ours(html), status, SECURITY)(scope, receive, send)

    async def _first_page(self, scope: "Scope", receive: "Receive") -> tuple[int, bytes]:
        body = bytearray()
        status = 500

        async def collect(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            body.extend(message.get("body", b""))

        await self._app(scope, receive, collect)
        return status, bytes(body)


def ours(html: bytes) -> bytes:
    """Gradio's page with our files, and without what is said of Gradio."""
    html = _CARDS.sub(b"", html)
    # Relative, so that it also holds below a path of somebody's proxy.
    html = html.replace(b'<base href="./"', b'<base href="page/"', 1)
    return html.replace(b"</head>", _HEAD, 1)
