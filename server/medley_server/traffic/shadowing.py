"""Copies of requests for a version that nobody hears: one at a time, and only when it is quiet."""

import asyncio
import json
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from medley_registry import Version

from medley_server.asgi_call import asgi_stream
from medley_server.errors import ServerError
from medley_server.traffic.agreement import compare
from medley_server.traffic.answer_text import text_of
from medley_server.traffic.window import Seen

if TYPE_CHECKING:
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

MOST_WAITING = 16
MOST_WAITING_BYTES = 32 << 20
"""Copies that wait for quiet, and the bytes of their requests; more are dropped."""

MOST_RUNNING = 2
"""Requests of callers beside which a copy may begin: none of them then waits for a place."""

PATIENCE_S = 60.0
"""How long a copy waits for quiet, and how long its answer may take."""

LOOK_S = 0.05
_NOT_COPIED = (
    *("stream", "stream_options", "n", "best_of", "store", "user", "safety_identifier"),
    *("logprobs", "top_logprobs"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request to the engine, and what it was answered.

    Attributes:
        app: vLLM's.
        root: its FastAPI object, where `app` is not that.
        path: the route.
        request: as it went there.
        heard: what the caller got.
        named: fields that may be told by name, where that is JSON.
    """

    app: "ASGIApp"
    root: Any
    path: str
    request: Mapping[str, Any]
    heard: str
    named: Collection[str]


@dataclass(frozen=True)
class Copy:
    """What a caller has had answered, to be asked of another version.

    Attributes:
        exchange: what it was.
        version: who is asked now.
        done: is told what came of it; None: nothing, the copy was dropped.
    """

    exchange: Exchange
    version: Version
    done: Callable[[Seen | None], None]

    @cached_property
    def size_bytes(self) -> int:
        """Of its request."""
        return len(json.dumps(self.exchange.request))


class Shadowing:
    """A bounded line of copies; belongs to one event loop."""

    def __init__(
        self,
        hold: Callable[[Version], AbstractAsyncContextManager[None]],
        running: Callable[[], int],
    ) -> None:
        """Asks the versions that `hold` keeps in the engine, when few requests are `running`."""
        self._hold = hold
        self._running = running
        self._waiting: asyncio.Queue[Copy] = asyncio.Queue(MOST_WAITING)
        self._waiting_bytes = 0

    def offer(self, copy: Copy) -> None:
        """Puts a copy in the line, or drops it."""
        fits = self._waiting_bytes + copy.size_bytes <= MOST_WAITING_BYTES
        if not fits or self._waiting.full():
            copy.done(None)
            return
        self._waiting_bytes += copy.size_bytes
        self._waiting.put_nowait(copy)

    async def run(self) -> None:
        """Asks, one after the other, until cancelled."""
        while True:
            copy = await self._waiting.get()
            self._waiting_bytes -= copy.size_bytes
            try:
                copy.done(await self._asked(copy))
            except Exception:  # the task's edge: without it no canary would be judged any more
                log.exception("a copy for %s was not counted", copy.version.reference)

    async def _asked(self, copy: Copy) -> Seen | None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._running() > MOST_RUNNING:
                    await asyncio.sleep(LOOK_S)
            async with asyncio.timeout(PATIENCE_S), self._hold(copy.version):
                return await _answer(copy)
        except (ServerError, TimeoutError):
            return None  # no place, or no time: says nothing about the version
        except Exception as error:  # the process's edge: vLLM's app may raise what it likes
            log.warning("a copy for %s failed: %s", copy.version.reference, type(error).__name__)
            return Seen(is_failed=True)


async def _answer(copy: Copy) -> Seen | None:
    asked = copy.exchange
    kept = {name: value for name, value in asked.request.items() if name not in _NOT_COPIED}
    salt = {"model": copy.version.engine_name, "cache_salt": copy.version.digest.hex}
    async with asgi_stream(asked.app, asked.path, kept | salt, root=asked.root) as answer:
        body = b"".join([piece async for piece in answer.body])
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Seen(is_failed=True)
    text = text_of(body, is_stream=False)
    if answer.status != HTTPStatus.OK or text is None:
        return None
    return Seen(agreement=compare(asked.heard, text, named=asked.named))
