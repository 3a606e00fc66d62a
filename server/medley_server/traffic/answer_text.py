"""What an answer of vLLM's says, whole or streamed, so that two can be compared."""

import json
from collections.abc import Iterator
from typing import Any

_DATA = b"data:"


def text_of(body: bytes, *, is_stream: bool) -> str | None:
    """The text of an answer's first choice, or what it calls tools with; None if it has neither."""
    try:
        if not is_stream:
            return _whole(json.loads(body))
        pieces = [piece for event in _events(body) for piece in _pieces(event)]
    except (ValueError, RecursionError):
        return None
    return "".join(pieces) if pieces else None


def _whole(answer: Any) -> str | None:
    match answer:
        case {"choices": [{"message": {"content": str(text)}}, *_]} if text:
            return text
        case {"choices": [{"message": {"tool_calls": [*calls]}}, *_]} if calls:
            return "".join(_called(calls))
        case {"choices": [{"text": str(text)}, *_]}:
            return text
        case {"output": [*items]}:
            return "".join(_said(items)) or None
    return None


def _events(body: bytes) -> Iterator[Any]:
    for line in body.splitlines():
        data = line.removeprefix(_DATA).strip() if line.startswith(_DATA) else b""
        if data.startswith(b"{"):
            yield json.loads(data)


def _pieces(event: Any) -> Iterator[str]:
    match event:
        case {"choices": [{"index": 0, "delta": {"content": str(text)}}, *_]}:
            yield text
        case {"choices": [{"index": 0, "delta": {"tool_calls": [*calls]}}, *_]}:
            yield from _called(calls)
        case {"choices": [{"index": 0, "text": str(text)}, *_]}:
            yield text
        case {"type": "response.output_text.delta", "delta": str(text)}:
            yield text


def _called(calls: list[Any]) -> Iterator[str]:
    for call in calls:
        match call:
            case {"function": {**function}}:
                yield f"{function.get('name') or ''}{function.get('arguments') or ''}"


def _said(items: list[Any]) -> Iterator[str]:
    for item in items:
        match item:
            case {"type": "message", "content": [*parts]}:
                yield from (part["text"] for part in parts if isinstance(part.get("text"), str))
