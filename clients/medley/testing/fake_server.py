"""A server that is none, for tests of programs that use the SDK.

::

    server = FakeServer()
    server.answer("PUT", "/v1/adapters/note/aliases/production", {...})
    client = Client(transport=server.transport)      # or AsyncClient
"""

import json
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from medley.testing.loopback import listening
from medley.testing.sent_request import SentRequest

if TYPE_CHECKING:
    import httpx

    from medley.results import Extraction

_CHAT = "/v1/chat/completions"
_JOB = "/v1/jobs/job-1"


@dataclass(frozen=True, slots=True)
class Reply:
    """What one request is answered; ``body`` is bytes, sent as they are, or what JSON can carry."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[SentRequest], Reply]


class FakeServer:
    """Answers as it was told to, and keeps what it was asked.

    Each answer is for the next request of its route; the last one set is given again.

    Attributes:
        requests: what came in, in order.
        transport: for `Client(transport=...)` and `AsyncClient(transport=...)`.
    """

    def __init__(self) -> None:
        import httpx

        self.requests: list[SentRequest] = []
        self.transport = httpx.MockTransport(self._handle)
        self._next: dict[tuple[str, str], deque[Respond]] = defaultdict(deque)
        self._last: dict[tuple[str, str], Respond] = {}

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
        reply = Reply(body, status, headers or {})
        self.respond(method, path, lambda request: reply)

    def respond(self, method: str, path: str, respond: Respond) -> None:
        """Let a function answer the next request for this route."""
        self._next[method, path].append(respond)

    def refuse(
        self,
        method: str,
        path: str,
        *,
        status: int,
        code: str,
        page: int | None = None,
        retry_after_s: int | None = None,
        **details: Any,
    ) -> None:
        """Answer the next request for this route with an error, as the server writes it."""
        error: dict[str, Any] = {"message": code.replace("_", " "), "param": None}
        error |= {"type": "invalid_request_error", "code": code, "details": details, "page": page}
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        headers["x-request-id"] = f"fake-{len(self.requests) + 1}"
        self.answer(method, path, {"error": error}, status=status, headers=headers)

    def fail(self, method: str, path: str, error: Exception) -> None:
        """Raise one of httpx's errors at the next request for this route."""

        def respond(request: SentRequest) -> Reply:
            raise error

        self.respond(method, path, respond)

    def extracts(self, extraction: "Extraction | None" = None, *, after: int | None = None) -> None:
        """Answer the next extraction.

        Args:
            extraction: what comes out; None: a laboratory report of one page.
            after: so many questions after a job it is done; None: the answer has it.
        """
        if extraction is None:
            from medley.testing.sample_extraction import SampleExtraction

            extraction = SampleExtraction.of_a_lab_panel().build()
        result = extraction.model_dump(mode="json")
        if after is None:
            self.answer("POST", "/v1/extract", result)
            return
        pages = extraction.document.pages_in
        states = [_job("queued", pages)] + [_job("running", pages)] * after
        headers = {"retry-after": "0", "location": _JOB}
        self.answer("POST", "/v1/extract", states[0], status=202, headers=headers)
        for state in states[1:]:
            self.answer("GET", _JOB, state, headers=headers)
        self.answer("GET", _JOB, {**_job("done", pages), "result": result, "pages_done": pages})
        self.answer("DELETE", _JOB, _job("cancelled", pages))

    def chats(self, text: str, *, model: str = "note:1", digest: str = "", round: int = 1) -> None:  # noqa: A002 the domain's word
        """Let a version answer the next chat, at once or as a stream, as it is asked for."""
        self.respond("POST", _CHAT, _saying(text, model, digest, round))

    def analyzes(
        self,
        text: str,
        *,
        model: str = "note:1",
        digest: str = "",
        round: int = 1,  # noqa: A002 the domain's word
    ) -> None:
        """Let a version answer the next `analyze`, at once or as a stream, as it is asked for."""
        self.respond("POST", "/v1/analyze", _saying(text, model, digest, round))

    def listening(self) -> AbstractContextManager[str]:
        """Answer at an address of this machine, for a program in a process of its own."""
        return listening(self._handle)

    def _handle(self, request: "httpx.Request") -> "httpx.Response":
        import httpx

        sent = SentRequest.of(request)
        self.requests.append(sent)
        route = (request.method, request.url.path)
        if self._next[route]:
            self._last[route] = self._next[route].popleft()
        if route not in self._last:
            raise AssertionError(f"no answer is set for {request.method} {request.url.path}")
        reply = self._last[route](sent)
        headers = dict(reply.headers)
        if isinstance(reply.body, bytes):
            return httpx.Response(reply.status, stream=_stream(reply.body), headers=headers)
        return httpx.Response(reply.status, json=reply.body, headers=headers)


def _stream(body: bytes) -> Any:
    """Event by event, so that a reader sees what it would see of a server."""
    import httpx

    pieces = [piece for piece in re.split(rb"(?<=\n\n)", body) if piece]

    class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from pieces

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

    return Pieces()


def _saying(text: str, model: str, digest: str, round_: int) -> Respond:
    headers = {
        "x-medley-digest": digest or "sha256:" + "0" * 64,
        "x-medley-round": str(round_),
        "x-request-id": "fake",
    }
    words = re.findall(r"\S+\s*|\s+", text)
    usage = {"prompt_tokens": 1, "completion_tokens": len(words)}

    def respond(request: SentRequest) -> Reply:
        asked = request.fields or request.body
        if asked.get("stream") not in (True, "true"):
            choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            return Reply({"model": model, "choices": [choice], "usage": usage}, headers=headers)
        chunks: list[dict[str, Any]] = [
            {"model": model, "choices": [{"delta": {"content": word}, "finish_reason": None}]}
            for word in words
        ]
        chunks.append({"model": model, "choices": [{"delta": {}, "finish_reason": "stop"}]})
        chunks.append({"model": model, "choices": [], "usage": usage})
        events = [*map(json.dumps, chunks), "[DONE]"]
        body = "".join(f"data: {event}\n\n" for event in events).encode()
        return Reply(body, headers={**headers, "content-type": "text/event-stream"})

    return respond


def _job(status: str, pages: int) -> dict[str, Any]:
    made = datetime(2026, 11, 21, 8, tzinfo=UTC)
    return {
        "id": "job-1",
        "status": status,
        "created_at": made.isoformat(),
        "expires_at": (made + timedelta(hours=1)).isoformat(),
        "pages_done": 0,
        "pages_in": pages,
    }
