"""What an answer did cost, read from its bytes as they pass."""

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Message, Send

# Inside what a model writes, quotes are escaped: neither can occur there.
_TOTAL = re.compile(rb'"total_tokens":\s*(\d+)')
_EVENT = re.compile(rb"^data: \{", re.MULTILINE)


class Meter:
    """Counts the tokens of one answer.

    An answer says its usage, unless it is a stream whose caller did not ask for it
    (`stream_options.include_usage`): then each event counts as one token, which it has at least.
    """

    def __init__(self, prompt_tokens: int, *, is_needed: bool = True) -> None:
        self._is_needed = is_needed
        self._prompt_tokens = prompt_tokens
        self._events = 0
        self._total: int | None = None
        self._is_refused = False

    @property
    def tokens(self) -> int | None:
        """Of prompt and answers; None if nothing told."""
        if self._is_refused:
            return 0
        if self._total is None and self._events:
            return self._prompt_tokens + self._events
        return self._total

    def read(self, message: "Message") -> None:
        """One message of the answer."""
        if message["type"] == "http.response.start":
            self._is_refused = message["status"] >= HTTPStatus.BAD_REQUEST
        elif message["type"] == "http.response.body":
            self.count(message.get("body", b""))

    def tell(self, tokens: int) -> None:
        """What the answer did cost, where that is known."""
        self._total = tokens

    def count(self, body: bytes) -> None:
        """A piece of the answer; an event of a stream is one piece."""
        self._events += len(_EVENT.findall(body))
        if totals := _TOTAL.findall(body):
            self._total = int(totals[-1])

    def metered(self, send: "Send") -> "Send":
        """Sends on what it reads, if anybody asks for what it reads."""
        if not self._is_needed:
            return send

        async def send_on(message: "Message") -> None:
            self.read(message)
            await send(message)

        return send_on
