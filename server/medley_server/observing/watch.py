"""Watching a request from outside: what goes out, and when; only its id is added."""

import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from medley_server.observing.request_record import RequestRecord
from medley_server.observing.usage import USAGE, tokens_of
from medley_server.request_ids import HEADER

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Send

_CODE = re.compile(rb'"code"\s*:\s*"([a-z_]{1,64})"')
_LOOKED_AT_BYTES = 1 << 14
_WITHOUT_TOKENS = (b"data: [DONE]", b"event: response.created", b"event: response.in_progress")
_LAST_WORD = b'"choices":[]'


class Watch:
    """Stands between the server and whoever asked; one per request."""

    __slots__ = ("_is_error", "_last", "_receive", "_record", "_send", "_told")

    def __init__(self, record: RequestRecord, receive: "Receive", send: "Send") -> None:
        """Writes what it sees into `record`."""
        self._record = record
        self._receive = receive
        self._send = send
        self._last: float | None = None
        self._told = b""
        self._is_error = False

    async def receive(self) -> "Message":
        """ASGI's receive."""
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self._record.is_whole:
            self._record.has_left = True
        return message

    async def send(self, message: "Message") -> None:
        """ASGI's send; a body goes first, and is looked at then."""
        if message["type"] == "http.response.start":
            message = self._begin(message)
            await self._send(message)
            return
        await self._send(message)
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            if USAGE in body:
                self._told = body
            if self._record.is_stream:
                self._time(body)
            elif body and self._is_error:
                self._read_code(body)
            if not message.get("more_body", False):
                self._record.is_whole = True

    def _begin(self, message: "Message") -> "Message":
        record = self._record
        record.status = message["status"]
        self._is_error = message["status"] >= HTTPStatus.BAD_REQUEST
        headers = [pair for pair in message.get("headers", []) if pair[0].lower() != HEADER]
        kind = dict(headers).get(b"content-type", b"")
        record.is_stream = kind.startswith(b"text/event-stream")
        return {**message, "headers": [*headers, (HEADER, record.request_id.encode())]}

    def _read_code(self, body: bytes) -> None:
        if self._record.code is None:
            found = _CODE.search(body, 0, _LOOKED_AT_BYTES)
            self._record.code = found[1].decode() if found else f"status_{self._record.status}"

    def _time(self, event: bytes) -> None:
        if not event or event.startswith(_WITHOUT_TOKENS) or _LAST_WORD in event:
            return
        now = time.perf_counter()
        if self._last is None:
            self._record.first_token_s = now - self._record.clock
        else:
            self._record.gaps_s.append(now - self._last)
        self._last = now

    def end(self) -> None:
        """Everything has been seen."""
        self._record.duration_s = time.perf_counter() - self._record.clock
        if self._told and (tokens := tokens_of(self._told)) is not None:
            self._record.prompt_tokens, self._record.completion_tokens = tokens
