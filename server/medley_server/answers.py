"""vLLM's answers, under the reference of the version that they are from."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from medley_registry import Version

from medley_server.observing.request_record import RequestRecord

if TYPE_CHECKING:
    from starlette.types import Message, Send


class ReferencedAnswer:
    """Passes vLLM's answer on under the version's reference, with its digest in the headers.

    vLLM names the model by its engine name in the field `model`. Text that a model writes stands
    inside JSON strings, where quotes are escaped, so that field cannot occur in it. In error
    messages the name is replaced wherever it stands. A streamed event is one message and is passed
    on at once.
    """

    def __init__(self, version: Version, send: "Send", record: RequestRecord) -> None:
        """Answers of `version` go to `send`; `record` is told of one that names another model."""
        self._send = send
        self._record = record
        self._engine_name = version.engine_name.encode()
        self._reference = version.reference.encode()
        self._is_error = False
        self._headers = [(b"x-medley-digest", str(version.digest).encode())]
        if version.round is not None:
            self._headers.append((b"x-medley-round", str(version.round).encode()))
        self._start: Message | None = None
        self._whole: list[bytes] = []

    async def send(self, message: "Message") -> None:
        """ASGI's send."""
        if message["type"] == "http.response.start":
            self._is_error = message["status"] >= HTTPStatus.BAD_REQUEST
            message["headers"] = [*message.get("headers", []), *self._headers]
            if _is_stream(message):
                await self._send(message)
            else:
                self._start = message
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._start is None:
            await self._send({**message, "body": self._named(message.get("body", b""))})
        else:
            await self._collect(message)

    async def _collect(self, message: "Message") -> None:
        self._whole.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        start: Any = self._start
        body = self._named(b"".join(self._whole))
        headers = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        start["headers"] = [*headers, (b"content-length", str(len(body)).encode())]
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    def _named(self, body: bytes) -> bytes:
        if self._is_error:
            return body.replace(self._engine_name, self._reference)
        field = b'"model":"%s"'
        named = body.replace(field % self._engine_name, field % self._reference)
        if named == body and b'"model":"' in body:
            self._record.names_another = True
        return named


def _is_stream(start: "Message") -> bool:
    headers = dict(start.get("headers", []))
    return bool(headers.get(b"content-type", b"").startswith(b"text/event-stream"))
