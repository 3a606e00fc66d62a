"""Leaving in order: no longer ready, then nothing new, then what runs ends, then the server does.

Whoever spreads requests over replicas reads `GET /health` every few seconds; from the first moment
it says that this one is not ready. What comes all the same is told to try another.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

from medley_server.errors import ServerStopping
from medley_server.json_answer import send_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH = "/health"
_ON_ITS_WAY_OUT = {"status": "stopping", "live": True, "ready": False}

PATIENCE_S = 25.0
"""How long running requests are waited for; Kubernetes kills after 30 s unless told otherwise."""


class Stopping:
    """Whether the server is on its way out, and how many requests it still answers."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._begun = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.running = 0
        """Requests that are being answered."""

    @property
    def has_begun(self) -> bool:
        """Whether the server was told to stop."""
        return self._begun.is_set()

    def begin(self) -> None:
        """From here on nothing new is answered."""
        self._begun.set()

    def around(self, app: "ASGIApp") -> "ASGIApp":
        """The app, as long as the server is not on its way out."""

        async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if not self.has_begun:
                await self._count(app(scope, receive, send))
            elif scope["type"] != "http":
                await send({"type": "websocket.close", "code": 1012})  # restarting
            elif scope["path"] == HEALTH:
                await send_json(send, ServerStopping.status, _ON_ITS_WAY_OUT)
            else:
                error = ServerStopping("This server is stopping; another may answer.")
                headers = error.headers() | {"connection": "close"}
                await send_json(send, error.status, error.body(), headers=headers)

        return answer

    async def _count(self, answering: Awaitable[None]) -> None:
        self.running += 1
        self._idle.clear()
        try:
            await answering
        finally:
            self.running -= 1
            if not self.running:
                self._idle.set()

    async def over(self) -> bool:
        """Ends when the server was told to stop and the running requests have ended.

        Returns:
            False if some had not ended when the patience did.
        """
        await self._begun.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), self._patience_s)
        return not self.running
