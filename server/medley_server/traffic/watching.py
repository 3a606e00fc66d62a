"""An answer on its way to the caller: when it began, how it ended and, if need be, its bytes."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from medley_server.traffic.window import Seen

if TYPE_CHECKING:
    from starlette.types import Message, Send

MOST_KEPT_BYTES = 1 << 20
"""A longer answer is not compared."""

_ERROR = b'data: {"error"'
"""How vLLM says in the middle of a stream that it fails."""


class Watched:
    """Passes vLLM's answer on as it comes."""

    def __init__(
        self, send: "Send", *, keeps: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Watches what goes to `send`; `keeps`: it is wanted whole afterwards."""
        self._send = send
        self._clock = clock
        self._began = clock()
        self._keeps = keeps
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._status = 0
        self._has_error = False
        self._is_over = False
        self._first_s: float | None = None
        self.is_stream = False

    async def send(self, message: "Message") -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            kind = dict(message.get("headers", [])).get(b"content-type", b"")
            self.is_stream = kind.startswith(b"text/event-stream")
        elif message["type"] == "http.response.body":
            self._note(message.get("body", b""))
        await self._send(message)
        # Only now: a caller who leaves has no whole answer, and says nothing about the version.
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._is_over = True

    def _note(self, body: bytes) -> None:
        if body and self._first_s is None:
            self._first_s = self._clock() - self._began
        self._has_error = self._has_error or (self.is_stream and _ERROR in body)
        if self._keeps:
            self._kept_bytes += len(body)
            self._kept.append(body)
            if self._kept_bytes > MOST_KEPT_BYTES:
                self._keeps = False
                self._kept.clear()

    @property
    def body(self) -> bytes | None:
        """A good answer, whole; None where it is not, or was not to be kept."""
        is_good = self._is_over and self._status == HTTPStatus.OK and not self._has_error
        return b"".join(self._kept) if self._keeps and is_good else None

    def seen(self, error: BaseException | None) -> Seen | None:
        """What there is to count; None where the caller's fault or his leaving ended it.

        Args:
            error: what vLLM's app raised.
        """
        if isinstance(error, Exception) or self._has_error:
            return Seen(is_failed=True)
        if self._status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Seen(is_failed=True)
        if error is not None or not self._is_over or self._status != HTTPStatus.OK:
            return None
        if self.is_stream:
            return Seen(first_s=self._first_s)
        return Seen(whole_s=self._clock() - self._began)
