"""The ASGI layer in front of vLLM's app: keys and scopes, the allow-list, and pinned references.

A reference in `model` is resolved once, to a version, before vLLM sees the request; vLLM is given
the version's engine name, and the caller gets back the version's reference (`name:7`) and its
digest.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medley_registry import Version

from medley_server.answers import ReferencedAnswer, send_json
from medley_server.callers import ADMIN, CALLER, INFER, Caller, Callers
from medley_server.document_errors import of_server
from medley_server.errors import BadRequest, BodyTooLarge, RouteNotFound, ServerError
from medley_server.extraction.errors import answer_body
from medley_server.request_ids import REQUEST_ID, request_id_of, with_request_id
from medley_server.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PINNED = frozenset(
    {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/tokenize", "/detokenize"}
)
"""Routes whose `model` is a reference."""

PASSED = frozenset({"/metrics", "/version"})
"""Routes that go to vLLM as they come."""

KEYLESS = frozenset({"/health"})
"""Routes for probes, which carry no key."""

BENCHMARK = frozenset({"/benchmark", "/v1/benchmark"})
"""The engine's memory and what was measured; with `?reset=true` the peak counts anew."""

OURS = re.compile(r"/v1/(adapters|access-keys|events|openapi\.json)(/.*)?")
"""Routes of the registry's face (`medley_server.registry_app`)."""

DOCUMENTS = re.compile(r"(?:/v1)?/(?:extract|analyze)|/v1/jobs(?:/.*)?", re.DOTALL)
"""Routes of documents (`medley_server.document_app`), with bodies larger than memory."""

UPLOAD = re.compile(r"/v1/adapters/[^/]+/versions")
"""Where the registry's face takes a body that is larger than memory."""


JSON_LIMIT_BYTES = 1 << 20
"""Longest body of the registry's other routes."""


@dataclass(frozen=True, slots=True)
class Documents:
    """Extraction, as the gateway sees it.

    Attributes:
        app: answers its routes.
        health: its part of `GET /health`.
    """

    app: "FastAPI"
    health: Callable[[], dict[str, Any]]


class Gateway:
    """Sees each request before vLLM's app does; one instance per server."""

    def __init__(
        self,
        app: "ASGIApp",
        *,
        service: Service,
        api_keys: Sequence[str],
        max_body_bytes: int,
        registry_app: "ASGIApp | None" = None,
        documents: "Documents | None" = None,
    ) -> None:
        """Wraps vLLM's app.

        Args:
            app: vLLM's.
            service: what is served.
            api_keys: bearer keys that may do everything, besides the registry's.
            max_body_bytes: longest request body read.
            registry_app: the registry's face; none: its routes are unknown.
            documents: extraction; none: its routes are unknown.
        """
        self._app = app
        self._service = service
        self._callers = Callers(service.access, api_keys, is_local=service.is_local)
        self._max_body_bytes = max_body_bytes
        self._registry_app = registry_app
        self._documents = documents
        self._pages = {"/health": self._health, "/v1/models": service.models}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request: refuse it, answer it, or hand it on."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        if self._is_document(scope["path"].rstrip("/")):
            await self._serve_document(scope, receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except ServerError as error:
            await send_json(send, error.status, error.body(), headers=error.headers())

    def _is_document(self, path: str) -> bool:
        return self._documents is not None and DOCUMENTS.fullmatch(path) is not None

    def _health(self) -> tuple[int, dict[str, Any]]:
        status, body = self._service.health()
        return status, body | ({"extraction": self._documents.health()} if self._documents else {})

    async def _serve(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        method, path = scope["method"], scope["path"].rstrip("/")
        is_ours = self._registry_app is not None and OURS.fullmatch(path) is not None
        is_known = path in PINNED | PASSED | BENCHMARK or path in self._pages or is_ours
        if method == "OPTIONS" and is_known:  # a browser asks first, without a key: vLLM's CORS
            await self._app(scope, receive, send)
            return
        if method == "GET" and path in KEYLESS:
            await send_json(send, *self._pages[path]())
            return
        caller = await self._callers.identify(scope)
        if method == "GET" and path in self._pages:
            await send_json(send, *self._pages[path]())
        elif method == "GET" and path in BENCHMARK:
            await send_json(send, 200, await self._benchmark(scope, caller))
        elif method == "POST" and path in PINNED:
            caller.require(INFER)
            await self._serve_pinned({**scope, "path": path}, receive, send)
        elif method == "GET" and path in PASSED:
            await self._app(scope, receive, send)
        elif is_ours:
            await self._serve_registry({**scope, "path": path, CALLER: caller}, receive, send)
        else:
            raise RouteNotFound(f"There is no route {method} {scope['path']} on this server.")

    async def _benchmark(self, scope: "Scope", caller: Caller) -> dict[str, Any]:
        is_reset = b"reset=true" in scope.get("query_string", b"").split(b"&")
        caller.require(ADMIN if is_reset else INFER)
        return await self._service.benchmark(reset_peak=is_reset)

    async def _serve_registry(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        assert self._registry_app is not None
        if not (scope["method"] == "POST" and UPLOAD.fullmatch(scope["path"])):
            raw = await _read_body(receive, min(self._max_body_bytes, JSON_LIMIT_BYTES))
            receive = _replay(raw, receive)
        await self._registry_app(scope, receive, send)

    async def _serve_document(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        assert self._documents is not None
        request_id = request_id_of(scope)
        send = with_request_id(send, request_id)
        if scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._callers.identify(scope)
            caller.require(INFER)
        except ServerError as refused:
            error = of_server(refused)
            body = answer_body(error, request_id=request_id)
            await send_json(send, error.status, body, headers=error.headers())
            return
        known = {CALLER: caller, REQUEST_ID: request_id, "path": scope["path"].rstrip("/")}
        await self._documents.app({**scope, **known}, receive, send)

    async def _serve_pinned(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        raw = await _read_body(receive, self._max_body_bytes)
        request = _parse(raw)
        model = request.get("model")
        if model is not None and not isinstance(model, str):
            raise BadRequest("`model` must be text, such as `name`, `name@alias` or `name:7`.")
        if model is None or self._service.is_base(model):
            await self._app(scope, _replay(raw, receive), send)
            return
        version = await self._service.resolve(model)
        async with self._service.lease(version):
            body = _pin(request, version)
            answer = ReferencedAnswer(version, send)
            await self._app(_with_length(scope, len(body)), _replay(body, receive), answer.send)


def _pin(request: dict[str, Any], version: Version) -> bytes:
    """The body vLLM gets: the engine's name, and the digest as the prefix cache's second guard."""
    salt = request.get("cache_salt")
    pinned = request | {
        "model": version.engine_name,
        "cache_salt": version.digest.hex if salt is None else f"{version.digest.hex}:{salt}",
    }
    return json.dumps(pinned, separators=(",", ":")).encode()


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        request = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(request, dict):
        raise BadRequest("The body must be a JSON object.")
    return request


async def _read_body(receive: "Receive", limit: int) -> bytes:
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


def _replay(body: bytes, receive: "Receive") -> "Receive":
    """Gives the body that was read, then whatever comes after it (a disconnect)."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> "Message":
        return pending.pop() if pending else await receive()

    return replay


def _with_length(scope: "Scope", length: int) -> "Scope":
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}
