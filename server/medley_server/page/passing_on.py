"""Requests of the page on their way to its process, and the answers on their way back."""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from medley_server.document_errors import CallerLeft
from medley_server.errors import AdapterUnavailable
from medley_server.incoming import pieces
from medley_server.leaving import unless_left

if TYPE_CHECKING:
    import httpx
    from starlette.types import Receive, Scope, Send

    from medley_server.page.page_process import PageProcess

VISIT = "x-medley-visit"
"""Says whose document it is; what a browser says under this name is dropped."""

_LIMIT_BYTES = 4 << 20
"""A conversation, or the edits of a long document."""

_PATIENCE_S = 30.0
_LASTING = re.compile(r"/page/assets/[^/]+-[\w-]{8}\.(?:css|js)$")
"""Gradio's files whose names change with what is in them."""

_NOT_PASSED = frozenset({b"connection", b"content-length", b"transfer-encoding", VISIT.encode()})


class PassingOn:
    """A proxy for one process; answers go through piece by piece."""

    def __init__(self, process: "PageProcess") -> None:
        self._process = process

    async def __call__(
        self, visit: str | None, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        """One request; when the visitor leaves, the process is told.

        Raises:
            ServerError: it is too long, or the process has gone.
        """
        import httpx

        request = Request(scope, receive)
        incoming = pieces(request, limit_bytes=_LIMIT_BYTES, patience_s=_PATIENCE_S)
        asked = _asked(scope, b"".join([piece async for piece in incoming]), visit)
        try:
            async with unless_left(request):
                answer = await self._process.transport.handle_async_request(asked)
                try:
                    await _pass_back(answer, send, _LASTING.match(scope["path"]) is not None)
                finally:
                    await answer.aclose()
        except CallerLeft:
            return
        except httpx.TransportError as error:
            raise PageGone("The page's process has gone; open the page again.") from error


class PageGone(AdapterUnavailable):
    """It ended in the middle; the next visitor starts another."""


def _asked(scope: "Scope", body: bytes, visit: str | None) -> "httpx.Request":
    import httpx

    headers = [pair for pair in scope["headers"] if pair[0] not in _NOT_PASSED]
    if visit is not None:
        headers.append((VISIT.encode(), visit.encode()))
    query = scope.get("query_string", b"")
    target = scope["path"].encode() + (b"?" + query if query else b"")
    url = httpx.URL("http://page/").copy_with(raw_path=target)
    return httpx.Request(scope["method"], url, headers=headers, content=body)


async def _pass_back(answer: "httpx.Response", send: Any, is_lasting: bool) -> None:
    headers = [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.lower() not in (b"connection", b"transfer-encoding")
    ]
    if is_lasting and answer.status_code == HTTPStatus.OK:
        headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for piece in answer.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
