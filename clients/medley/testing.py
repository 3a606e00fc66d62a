"""A server that is none, for tests of programs that use the SDK.

::

    server = FakeServer()
    server.answer("PUT", "/v1/adapters/note/aliases/production", {...})
    client = Client(transport=server.transport)
"""

import json
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


_Answer = tuple[int, Any, dict[str, str]] | Exception


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What a client sent; ``body`` is read as JSON where it is JSON, else as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


class FakeServer:
    """Answers as it was told to, and keeps what it was asked.

    Attributes:
        requests: what came in, in order.
        transport: for `Client(transport=...)`.
    """

    def __init__(self) -> None:
        import httpx

        self.requests: list[SentRequest] = []
        self.transport = httpx.MockTransport(self._handle)
        self._next: dict[tuple[str, str], deque[_Answer]] = defaultdict(deque)
        self._last: dict[tuple[str, str], _Answer] = {}

    def answer(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer the next request for this route so, and those that no other answer is set for.

        Args:
            method: of HTTP.
            path: without the query.
            body: bytes, sent as they are, or what JSON can carry.
            status: of HTTP.
            headers: besides the content's type.
        """
        self._next[method, path].append((status, body, headers or {}))

    def refuse(self, method: str, path: str, *, status: int, code: str, **details: Any) -> None:
        """Answer the next request for this route with an error, as the server writes it."""
        error = {"message": code.replace("_", " "), "type": "invalid_request_error"}
        body = {"error": {**error, "param": None, "code": code, "details": details}}
        self.answer(method, path, body, status=status)

    def fail(self, method: str, path: str, error: Exception) -> None:
        """Raise one of httpx's errors at the next request for this route."""
        self._next[method, path].append(error)

    def _handle(self, request: "httpx.Request") -> "httpx.Response":
        import httpx

        self.requests.append(_sent(request))
        route = (request.method, request.url.path)
        if self._next[route]:
            self._last[route] = self._next[route].popleft()
        if route not in self._last:
            raise AssertionError(f"no answer is set for {request.method} {request.url.path}")
        answer = self._last[route]
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        if isinstance(body, bytes):
            return httpx.Response(status, content=body, headers=headers)
        return httpx.Response(status, json=body, headers=headers)


def _sent(request: "httpx.Request") -> SentRequest:
    body: Any = request.read()
    if request.headers.get("content-type") == "application/json":
        body = json.loads(body)
    return SentRequest(request.method, request.url.path, dict(request.url.params), body)
