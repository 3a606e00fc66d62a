"""The call of `/v1/chat/completions`."""

from collections.abc import Mapping
from typing import Any

from medley.calls import Call
from medley.chats import ChatAnswer, ChatOptions, Messages, chat_answer

_LONG_S = 600.0
"""A whole answer is silence until its last token; a stream's pieces come sooner."""


def chat(
    messages: Messages, model: str | None, *, stream: bool, options: ChatOptions
) -> Call[ChatAnswer]:
    """Say something to a model. Nothing changes by it, so it may be sent again."""
    fields: dict[str, Any] = {**options}
    extra: Mapping[str, Any] = fields.pop("extra", None) or {}
    system = fields.pop("system", None)
    body: dict[str, Any] = {
        "messages": [*_said("system", system), *_said("user", messages)],
        **{name: value for name, value in fields.items() if value is not None},
        **extra,
    }
    if model is not None:
        body["model"] = model
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return Call(
        method="POST",
        path="/v1/chat/completions",
        read=chat_answer,
        body=body,
        is_repeatable=True,
        timeout_s=_LONG_S,
    )


def _said(role: str, messages: Messages | None) -> list[Mapping[str, Any]]:
    if not messages:
        return []
    if isinstance(messages, str):
        return [{"role": role, "content": messages}]
    return list(messages)
