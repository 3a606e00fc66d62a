"""Streams that tell us at their end how many tokens they had, even if nobody asked for it."""

from typing import TYPE_CHECKING, Any

from medley_server.observing.request_record import RequestRecord
from medley_server.observing.usage import tokens_of

if TYPE_CHECKING:
    from starlette.types import Message, Send

_ROUTES = frozenset({"/v1/chat/completions", "/v1/completions"})
"""Others say it always."""

_ALONE = b'"choices":[]'
_OF_THE_CALLER = b'"metrics":{'
"""What vLLM may add to this event with `--enable-per-request-metrics`; it is not ours to drop."""


def counted(
    request: dict[str, Any], send: "Send", record: RequestRecord
) -> tuple[dict[str, Any], "Send"]:
    """The request with the question for its tokens, and `send` without the answer to that.

    The same two where the caller asked himself, or where there is no stream.
    """
    options = request.get("stream_options") or {}
    is_stream = record.route in _ROUTES and request.get("stream") is True
    if not is_stream or not isinstance(options, dict) or options.get("include_usage"):
        return request, send
    asked = {**options, "include_usage": True, "continuous_usage_stats": False}

    async def send_on(message: "Message") -> None:
        body = message.get("body", b"")
        if _ALONE in body and _OF_THE_CALLER not in body and (tokens := tokens_of(body)):
            record.prompt_tokens, record.completion_tokens = tokens
            message = {**message, "body": b""}
        await send(message)

    return request | {"stream_options": asked}, send_on
