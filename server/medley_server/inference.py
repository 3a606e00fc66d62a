"""A request for a model: from its reference to the last token of the version it was given.

A reference in `model` is resolved once, to a version, before vLLM sees the request; vLLM is given
the version's engine name, and the caller gets back the version's reference (`name:7`) and its
digest.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from medley_registry import Version

from medley_server.answers import ReferencedAnswer
from medley_server.bodies import read_body, replayed, with_length
from medley_server.callers import CALLER, Caller
from medley_server.errors import BadRequest, ModelNotFound
from medley_server.image_sources import ImageSources
from medley_server.limits.asked import Asked
from medley_server.limits.quotas import Quotas
from medley_server.observing.counted import counted
from medley_server.observing.request_record import record_of
from medley_server.reach import check_reach, unsteered
from medley_server.service import Service
from medley_server.traffic import Asker, Way

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Inference:
    """The ASGI app of the routes whose `model` is a reference; callers have been let in."""

    def __init__(
        self,
        app: "ASGIApp",
        service: Service,
        quotas: Quotas,
        *,
        max_body_bytes: int,
        sources: ImageSources,
    ) -> None:
        """Asks vLLM's `app` for what `service` serves, within the callers' `quotas`."""
        self._app = app
        self._service = service
        self._quotas = quotas
        self._max_body_bytes = max_body_bytes
        self._sources = sources

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request.

        Raises:
            ServerError: it cannot be answered; nothing has been sent.
        """
        caller: Caller = scope[CALLER]
        raw = await read_body(receive, self._quotas.body_bytes(caller, self._max_body_bytes))
        request = _parse(raw)
        model = request.get("model")
        if model is not None and not isinstance(model, str):
            raise BadRequest("`model` must be text, such as `name`, `name@alias` or `name:7`.")
        if not isinstance(request.get("stream"), bool | None):  # vLLM takes 1 and "true", too
            raise BadRequest("`stream` must be true or false.")
        check_reach(request)
        self._sources.check(request)
        record, scope = record_of(scope), unsteered(scope)
        asked = Asked.of(scope["path"], request)
        asked.check_room(self._service.admission.seats)
        with self._quotas.taken(caller, asked) as meter:
            told, send = counted(request, send, record)
            send = meter.metered(send)
            bounded = asked.bounded(told, self._quotas.limits.of(caller))
            if model is None or self._service.is_base(model):
                body = raw if bounded is request else _compact(bounded)
                version = way = None
                record.base = self._service.base_name
            else:
                way = await self._way(model, caller, Asker.of(scope, request, key=caller.name))
                version = record.version = way.version
                body = _pin(bounded, version)
                send = ReferencedAnswer(version, send, record).send
            watched = way.watched(send, self._app, scope, bounded) if way else nullcontext(send)
            async with self._turn(version, asked.answers, scope, receive), watched as send:
                await self._app(with_length(scope, len(body)), replayed(body, receive), send)

    @asynccontextmanager
    async def _turn(
        self, version: Version | None, answers: int, scope: "Scope", receive: "Receive"
    ) -> AsyncIterator[None]:
        """The engine, with the version in it; while it runs, vLLM sees to callers who leave."""
        from starlette.requests import Request

        from medley_server.leaving import unless_left

        async with AsyncExitStack() as stack:
            if version is not None:
                await stack.enter_async_context(self._service.lease(version))
            async with unless_left(Request(scope, receive)):
                await stack.enter_async_context(self._service.turn(version, seats=answers))
            yield

    async def _way(self, model: str, caller: Caller, asker: Asker) -> Way:
        caller.require_use(model)
        resolve = self._service.resolve
        try:
            return await self._service.steering.way(await resolve(model), asker, resolve)
        except ModelNotFound as error:
            raise error.seen_by(caller.may_use) from error


def _pin(request: dict[str, Any], version: Version) -> bytes:
    """The body vLLM gets: the engine's name, and the digest as the prefix cache's second guard."""
    salt = request.get("cache_salt")
    pinned = request | {
        "model": version.engine_name,
        "cache_salt": version.digest.hex if salt is None else f"{version.digest.hex}:{salt}",
    }
    return _compact(pinned)


def _compact(request: dict[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        request = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(request, dict):
        raise BadRequest("The body must be a JSON object.")
    return request
