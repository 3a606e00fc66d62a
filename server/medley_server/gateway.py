"""The ASGI layer in front of vLLM's app: keys and scopes, and the allow-list of routes."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from medley_server.bodies import bounded, read_body, replayed
from medley_server.callers import ADMIN, CALLER, INFER, Caller, Callers
from medley_server.document_errors import of_server
from medley_server.draining import drained
from medley_server.errors import RouteNotFound, ServerError
from medley_server.extraction.errors import FileTooLarge, answer_body
from medley_server.image_sources import ImageSources
from medley_server.inference import Inference
from medley_server.json_answer import send_json
from medley_server.limits.asked import Asked
from medley_server.limits.bad_keys import GuardedCallers
from medley_server.limits.paying import paid_by
from medley_server.limits.quotas import Quotas
from medley_server.limits.table import LIMITS, Limits
from medley_server.observing.exposition import beside
from medley_server.observing.metrics import Metrics
from medley_server.observing.request_record import record_of
from medley_server.request_ids import REQUEST_ID, request_id_of, with_request_id
from medley_server.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from medley_server.page import WebPage

PINNED = frozenset(
    {"/v1/chat/completions", "/v1/completions", "/v1/responses", "/tokenize", "/detokenize"}
)
"""Routes whose `model` is a reference."""

METRICS = "/metrics"
"""VLLM's, and ours behind them."""

PASSED = frozenset({METRICS, "/version"})
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
        page: "WebPage | None" = None,
        limits: Limits | None = None,
        metrics: Metrics | None = None,
        sources: ImageSources | None = None,
    ) -> None:
        """Wraps vLLM's app.

        Args:
            app: vLLM's.
            service: what is served.
            api_keys: bearer keys that may do everything, besides the registry's.
            max_body_bytes: longest request body read.
            registry_app: the registry's face; none: its routes are unknown.
            documents: extraction; none: its routes are unknown.
            page: the web page; none: there is nothing at `/`.
            limits: what each key may ask for; none: the usual.
            metrics: ours, beside vLLM's; none: vLLM's alone.
            sources: where media of requests may come from; none: the request itself.
        """
        self._app = app
        self._service = service
        callers = Callers(service.access, api_keys, is_local=service.is_local)
        self._callers = GuardedCallers(callers)
        self._quotas = Quotas(limits or Limits())
        self._metrics = metrics
        self._inference = Inference(
            app,
            service,
            self._quotas,
            max_body_bytes=max_body_bytes,
            sources=sources or ImageSources(()),
        )
        self._max_body_bytes = max_body_bytes
        self._registry_app = registry_app
        self._documents = documents
        self._web_page = page
        self._pages = {"/health": self._health, "/v1/models": service.models}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request: refuse it, answer it, or hand it on."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        receive, send = drained(scope, receive, send)
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
        if self._web_page is not None and self._web_page.is_public(method, path):
            await self._web_page(scope, receive, send)
            return
        caller = await self._callers.identify(scope)
        record_of(scope).caller = caller.name
        if method == "GET" and path in self._pages:
            status, body = self._pages[path]()
            await send_json(send, status, _for_caller(body, caller))
        elif method == "GET" and path in BENCHMARK:
            await send_json(send, 200, await self._benchmark(scope, caller))
        elif method == "POST" and path in PINNED:
            caller.require(INFER)
            await self._inference({**scope, "path": path, CALLER: caller}, receive, send)
        elif method == "GET" and path in PASSED:
            await self._pass(path, scope, receive, send)
        elif is_ours:
            await self._serve_registry({**scope, "path": path, CALLER: caller}, receive, send)
        elif self._web_page is not None and self._web_page.is_private(method, path):
            caller.require(INFER)
            await self._web_page({**scope, CALLER: caller}, receive, send)
        else:
            raise RouteNotFound(f"There is no route {method} {scope['path']} on this server.")

    async def _pass(self, path: str, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if path != METRICS or self._metrics is None:
            await self._app(scope, receive, send)
            return
        ours = await asyncio.to_thread(self._metrics.now().text)
        await beside(self._app, ours, scope, receive, send)

    async def _benchmark(self, scope: "Scope", caller: Caller) -> dict[str, Any]:
        is_reset = b"reset=true" in scope.get("query_string", b"").split(b"&")
        caller.require(ADMIN if is_reset else INFER)
        return await self._service.benchmark(reset_peak=is_reset)

    async def _serve_registry(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        assert self._registry_app is not None
        if not (scope["method"] == "POST" and UPLOAD.fullmatch(scope["path"])):
            raw = await read_body(receive, min(self._max_body_bytes, JSON_LIMIT_BYTES))
            receive = replayed(raw, receive)
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
            record_of(scope).caller = caller.name
            caller.require(INFER)
            limits = self._quotas.limits.of(caller)
            known = {CALLER: caller, LIMITS: limits, REQUEST_ID: request_id}
            known["path"] = scope["path"].rstrip("/")
            if scope["method"] != "POST":
                await self._documents.app({**scope, **known}, receive, send)
                return
            limit = limits.max_body_bytes
            receive = receive if limit is None else bounded(receive, limit, too_large=FileTooLarge)
            payer = partial(self._quotas.pay, caller)
            with self._quotas.taken(caller, Asked()), paid_by(payer):
                await self._documents.app({**scope, **known}, receive, send)
        except ServerError as refused:  # before the app: it turns its own into answers
            error = of_server(refused)
            body = answer_body(error, request_id=request_id)
            await send_json(send, error.status, body, headers=error.headers())


def _for_caller(body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A page without the adapters in its list that a key may not use."""
    if "data" not in body:
        return body
    cards = (card for card in body["data"] if card["kind"] != "base")
    hidden = {card["id"] for card in cards if not caller.may_use(card["root"].partition(":")[0])}
    return body | {"data": [card for card in body["data"] if card["id"] not in hidden]}
