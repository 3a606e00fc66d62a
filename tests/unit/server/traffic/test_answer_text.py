import json
from typing import Any

import pytest
from medley_server.traffic.answer_text import text_of

CALL = {"function": {"name": "look_up", "arguments": '{"drug": "x"}'}}
CALLED = 'look_up{"drug": "x"}'


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"choices": [{"message": {"content": "yes"}}, {"message": {"content": "no"}}]}, "yes"),
        (
            {"choices": [{"message": {"content": None, "tool_calls": [CALL]}}]},
            CALLED,
        ),
        ({"choices": [{"text": "yes"}]}, "yes"),
        ({"output": [{"type": "reasoning"}, {"type": "message", "content": [{"text": "a"}]}]}, "a"),
        ({"choices": []}, None),
        ({"error": {"message": "no"}}, None),
        ([], None),
    ],
)
def test_a_whole_answer_says_what_its_first_choice_says(answer: Any, text: str | None) -> None:
    assert text_of(json.dumps(answer).encode(), is_stream=False) == text


def stream(*events: Any) -> bytes:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


@pytest.mark.parametrize(
    "events",
    [
        [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}]
        + [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in ("y", "es")]
        + [{"choices": [{"index": 1, "delta": {"content": "no"}}]}, {"choices": [], "usage": {}}],
        [{"choices": [{"index": 0, "text": piece}]} for piece in ("y", "es")],
        [{"type": "response.output_text.delta", "delta": piece} for piece in ("y", "es")],
    ],
)
def test_a_stream_says_what_its_pieces_say_together(events: list[Any]) -> None:
    assert text_of(stream(*events), is_stream=True) == "yes"


def test_pieces_of_a_tool_call_are_put_together() -> None:
    pieces = [{"name": "look_up"}, {"arguments": '{"a"'}, {"arguments": ": 1}"}]
    events = [
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": piece}]}}]}
        for piece in pieces
    ]

    assert text_of(stream(*events), is_stream=True) == 'look_up{"a": 1}'


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff", b"[" * 100_000])
def test_what_is_no_answer_says_nothing(body: bytes) -> None:
    assert text_of(body, is_stream=False) is None
    assert text_of(b"data: " + body, is_stream=True) is None
