import asyncio
import base64
from typing import Any

import pytest

from tests.unit.server.documents.conftest import PAGES, Front, Line, Open, eventually
from tests.unit.server.documents.extractor import LineExtractor

FIELDS = {"file": base64.b64encode(PAGES).decode(), "prompt": "Which?"}


async def analyze(front: Front, **more: Any) -> Any:
    files = {"file": ("a.pdf", PAGES)}
    return await front.http.post("/v1/analyze", files=files, data={"prompt": "Which?", **more})


async def test_an_answer_is_a_chat_completion(front: Front) -> None:
    answer = await analyze(front)

    assert answer.headers["content-type"] == "application/json"
    said = answer.json()["choices"][0]["message"]["content"]
    assert said == "Potassium 5.9 Sodium 140"
    assert front.files() == set()
    assert front.desk.turns.places == 0


async def test_a_stream_comes_event_by_event(front: Front, extractor: LineExtractor) -> None:
    extractor.gate.clear()
    line = Line(front.gateway)
    call = asyncio.create_task(line.post("/v1/analyze", {**FIELDS, "stream": True}))
    await eventually(lambda: len(line.messages) == 2)
    assert line.messages[1]["body"] == b"data: Potassium\n\n"
    assert dict(line.messages[0]["headers"])[b"content-type"] == b"text/event-stream"

    extractor.gate.set()
    await call

    whole = b"".join(message.get("body", b"") for message in line.messages)
    assert whole.endswith(b"data: 140\n\ndata: [DONE]\n\n")
    assert line.messages[-1]["more_body"] is False


@pytest.mark.parametrize("stream", [True, False])
async def test_a_caller_who_hangs_up_stops_the_engine(
    front: Front, extractor: LineExtractor, *, stream: bool
) -> None:
    extractor.gate.clear()
    line = Line(front.gateway)
    call = asyncio.create_task(line.post("/v1/analyze", {**FIELDS, "stream": stream}))
    await eventually(lambda: extractor.began == 1)

    line.left.set()
    await asyncio.wait({call})

    assert extractor.cancelled == 1
    assert front.desk.turns.places == 0
    assert front.files() == set()


async def test_it_waits_in_the_same_line_as_extraction(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(running=1, waiting=0) as front:
        line = Line(front.gateway)
        call = asyncio.create_task(line.post("/v1/analyze", FIELDS))
        await eventually(lambda: front.desk.turns.places == 1)

        refused = [await front.extract(), await analyze(front)]
        extractor.gate.set()
        await call

        assert [answer.status_code for answer in refused] == [429, 429]
        assert (await analyze(front)).status_code == 200


async def test_a_prompt_is_needed(front: Front) -> None:
    for prompt in ({}, {"prompt": ""}):
        answer = await front.http.post("/analyze", files={"file": ("a", PAGES)}, data=prompt)

        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "prompt"


async def test_a_failure_in_the_middle_of_a_stream_breaks_it_off(
    front: Front, extractor: LineExtractor, caplog: pytest.LogCaptureFixture
) -> None:
    extractor.gate.clear()
    line = Line(front.gateway)
    call = asyncio.create_task(line.post("/v1/analyze", {**FIELDS, "stream": True}))
    await eventually(lambda: len(line.messages) == 2)

    extractor.break_off = ValueError("Jane Doe")
    extractor.gate.set()
    await asyncio.wait({call})

    assert call.exception() is not None
    assert all(message.get("more_body", True) for message in line.messages)
    assert "Jane" not in str(call.exception()) + caplog.text
