"""The way of one request: which version answers it, on whose side, and who watches."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from medley_registry import Version

from medley_server.errors import ServerError
from medley_server.traffic.agreement import schema_fields
from medley_server.traffic.answer_text import text_of
from medley_server.traffic.shadowing import Copy, Exchange
from medley_server.traffic.sides import Side
from medley_server.traffic.watching import Watched
from medley_server.traffic.window import Seen

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope, Send


@dataclass(frozen=True, slots=True)
class Way:
    """Where a request goes.

    Attributes:
        version: answers it.
        side: on whose side that counts; None: it counts for nobody.
        account: takes what was seen of it.
        shadow: the version that is to be asked the same.
        offer: takes the copy for it.
        compared: takes what came of the copy.
    """

    version: Version
    side: Side | None = None
    account: Callable[[Seen], None] = lambda _: None
    shadow: Version | None = None
    offer: Callable[[Copy], None] = lambda _: None
    compared: Callable[[Seen | None], None] = lambda _: None

    @asynccontextmanager
    async def watched(
        self, send: "Send", app: "ASGIApp", scope: "Scope", request: Mapping[str, Any]
    ) -> AsyncIterator["Send"]:
        """Where vLLM's `app` is to send its answer to `request`, inside the block."""
        if self.side is None:
            yield send
            return
        watched = Watched(send, keeps=self.shadow is not None)
        error: BaseException | None = None
        try:
            yield watched.send
        except BaseException as raised:
            error = raised
            raise
        finally:
            if (seen := watched.seen(error)) is not None:
                self.account(seen)
            self._copy(watched, app, scope, request)

    @asynccontextmanager
    async def counted(self) -> AsyncIterator[None]:
        """Counts a document: how long one takes says nothing about a version, a failure does."""
        try:
            yield
        except ServerError as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self.account(Seen(is_failed=True))
            raise
        except Exception:
            self.account(Seen(is_failed=True))
            raise
        self.account(Seen())

    def copied(self, exchange: Exchange) -> None:
        """Has the shadow asked what was answered well, if there is one."""
        if self.shadow is not None:
            self.offer(Copy(exchange, self.shadow, self.compared))

    def _copy(
        self, watched: Watched, app: "ASGIApp", scope: "Scope", request: Mapping[str, Any]
    ) -> None:
        if self.shadow is None or (body := watched.body) is None:
            return
        if (heard := text_of(body, is_stream=watched.is_stream)) is not None:
            exchange = Exchange(
                app=app,
                root=scope.get("app"),
                path=scope["path"],
                request=request,
                heard=heard,
                named=schema_fields(request),
            )
            self.copied(exchange)
