"""The outermost layer: every request is watched, and remembered when it is over."""

from typing import TYPE_CHECKING

from medley_server.observing.access_log import AccessLog
from medley_server.observing.ledger import Ledger
from medley_server.observing.request_record import CURRENT, RECORD, RequestRecord
from medley_server.observing.routes import route_of
from medley_server.observing.tracing import Tracing
from medley_server.observing.watch import Watch
from medley_server.request_ids import HEADER, request_id_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """An ASGI app around the gateway; each request gets an id that its answer bears."""

    def __init__(
        self,
        app: "ASGIApp",
        ledger: Ledger,
        *,
        access_log: AccessLog | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        """Watches what goes through `app`.

        Args:
            app: the gateway.
            ledger: counts.
            access_log: gets a line for each request; none: nothing does.
            tracing: makes spans; none: there are none.
        """
        self._app = app
        self._ledger = ledger
        self._access_log = access_log
        self._tracing = tracing

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RequestRecord(
            method=scope["method"] if scope["method"] in _METHODS else "OTHER",
            route=route_of(scope["path"]),
            request_id=request_id_of(scope),
        )
        headers = [pair for pair in scope["headers"] if pair[0] != HEADER]
        headers.append((HEADER, record.request_id.encode()))
        span = self._tracing.begin(record, headers) if self._tracing else None
        CURRENT.set(record)
        watch = Watch(record, receive, send)
        try:
            told = {"headers": span.headers if span else headers, RECORD: record}
            await self._app({**scope, **told}, watch.receive, watch.send)
        finally:
            watch.end()
            self._ledger.note(record)
            if self._access_log is not None:
                self._access_log.note(record)
            if span is not None:
                span.end(record)
