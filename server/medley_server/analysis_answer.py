"""The answer of `/analyze`, as the engine gives it; a caller who hangs up stops the engine."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, cast

from starlette.requests import Request
from starlette.responses import Response

from medley_server.jobs.turns import Place
from medley_server.leaving import unless_left

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

Begin = Callable[[], Awaitable[AsyncIterator[bytes]]]
"""Begins the work; whatever can be refused is refused by then."""


class AnalysisAnswer(Response):
    """Works when it is sent, so that all of it happens in one task."""

    def __init__(
        self, request: Request, begin: Begin, *, place: Place, media_type: str, held: AsyncExitStack
    ) -> None:
        """Takes over what the request holds.

        Args:
            request: whose body has been read.
            begin: begins the work.
            place: in the line.
            media_type: of the answer.
            held: let go at the end.
        """
        super().__init__(media_type=media_type)
        self._request = request
        self._begin = begin
        self._place = place
        self._held = held

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Sends the answer; errors before the first piece are the caller's to answer."""
        async with self._held, unless_left(self._request), self._place.turn():
            begun = cast("AsyncGenerator[bytes]", await self._begin())
            async with aclosing(begun) as found:
                first = await anext(found, b"")
                headers = [(b"content-type", str(self.media_type).encode())]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": first, "more_body": True})
                async for piece in found:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
