"""With the real engine: what callers send and get is not in the server's log."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.collector import Collector
from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e

CANARY = "CANARY-51d7-patient-Bianchi"
DATA_URL = f"data:image/png;base64,{base64.b64encode(CANARY.encode()).decode()}"


def chat(model: str = "triage-note", **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"Repeat: {CANARY}"}]
    return {"model": model, "messages": messages, "max_tokens": 12, "user": CANARY} | more


def parts(*given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": CANARY}, *given]}]


WAYS: dict[str, tuple[dict[str, Any], set[int]]] = {
    "success": ({"json": chat()}, {200}),
    "stream": ({"json": chat(stream=True)}, {200}),
    "base": ({"json": chat("smollm2-135m-instruct")}, {200}),
    "no such model": ({"json": chat(f"{CANARY}")}, {404}),
    "wrong types": ({"json": chat(temperature=CANARY, stop=[{"a": CANARY}])}, {400, 422}),
    "out of range": ({"json": chat(top_p=7, logit_bias={CANARY: 1})}, {400, 422}),
    "too long": ({"json": chat(messages=parts({"type": "text", "text": CANARY * 2000}))}, {400}),
    "a picture for a base that sees none": (
        {"json": chat(messages=parts({"type": "image_url", "image_url": {"url": DATA_URL}}))},
        {400, 422, 500},
    ),
    "a picture from elsewhere": (
        {"json": chat(messages=parts({"image_url": f"https://{CANARY}/?t={CANARY}"}))},
        {400},
    ),
    "a part of no kind": ({"json": chat(messages=parts({"type": CANARY, "a": CANARY}))}, {400}),
    "a part without its text": (
        {"json": chat(messages=parts({"type": "text", "text": None, "a": CANARY}))},
        {200, 400},
    ),
    "a grammar that is none": (
        {"json": chat(structured_outputs={"grammar": f"root ::= {CANARY}"})},
        {200, 400},
    ),
    "a schema that is none": (
        {"json": chat(response_format={"type": "json_schema", "json_schema": {"name": CANARY}})},
        {200, 400, 422},
    ),
    "tools without a parser's word": (
        {"json": chat(tools=[{"type": "function", "function": {"name": CANARY}}])},
        {200, 400},
    ),
    "no JSON": ({"content": f'{{"model": "{CANARY}'.encode()}, {400}),
    "a query": ({"json": chat(), "params": {"key": CANARY}}, {200}),
}


def until(holds: Callable[[], bool]) -> None:
    """Waits for what must come: spans are sent in batches."""
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.1)


def test_nothing_that_was_sent_is_in_the_servers_log_numbers_or_traces(
    server: RunningServer,
) -> None:
    log: Path = server.home / "server.log"
    ids = {name: f"secrets-{number}" for number, name in enumerate([*WAYS, "left"])}
    statuses = {}

    with httpx.Client(base_url=server.process.url, timeout=120) as http:
        for name, (sent, _) in WAYS.items():
            told = http.post("/v1/chat/completions", headers=named(ids[name]), **sent)
            statuses[name] = told.status_code
        long = chat(stream=True, max_tokens=200)
        with http.stream(
            "POST", "/v1/chat/completions", headers=named(ids["left"]), json=long
        ) as left:
            next(left.iter_lines())
        http.post("/v1/extract", files={"file": ("x.txt", CANARY.encode())})
        http.post("/tokenize", json={"model": "triage-note", "prompt": CANARY})
        http.get(f"/v1/{CANARY}")
        http.get("/v1/models", headers={"authorization": f"Bearer {CANARY}"})
        metrics = http.get("/metrics").text

    until(lambda: logged(log).keys() >= set(ids.values()))
    until(lambda: traced(server.collector) >= set(ids.values()))
    text = log.read_text()
    assert {name for name, (_, ok) in WAYS.items() if statuses[name] not in ok} == set(), statuses
    assert logged(log)[ids["left"]].get("left")
    assert CANARY not in text
    assert CANARY.lower() not in text
    assert CANARY not in metrics
    assert not any(CANARY.encode() in body for body in server.collector.bodies)


def named(request_id: str) -> dict[str, str]:
    return {"x-request-id": request_id}


def logged(log: Path) -> dict[str, dict[str, Any]]:
    """The lines of the access log by their requests; the last may not be whole yet."""
    whole = log.read_text().rpartition("\n")[0].splitlines()
    lines = (json.loads(line) for line in whole if line.startswith('{"time"'))
    return {line["request_id"]: line for line in lines}


def traced(collector: Collector) -> set[str]:
    """The requests that a span was sent of."""
    ids = (
        one.value.string_value
        for span in collector.spans("chat")
        for one in span.attributes
        if one.key == "medley.request_id"
    )
    return set(ids)


def test_our_numbers_stand_beside_vllms(server: RunningServer) -> None:
    with httpx.Client(base_url=server.process.url, timeout=120) as http:
        told = http.post("/v1/chat/completions", json=chat(stream=True))
        metrics = http.get("/metrics").text

    assert "usage" not in told.text
    assert "vllm:num_requests_running" in metrics
    assert 'medley_completion_tokens_total{adapter="triage-note"' in metrics
    assert "medley_wrong_version_answers_total 0.0" in metrics


def test_the_callers_trace_reaches_the_engine_whole(server: RunningServer) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    with httpx.Client(base_url=server.process.url, timeout=120) as http:
        answer = http.post(
            "/v1/chat/completions",
            json=chat(),
            headers={"traceparent": parent, "x-request-id": "ward-3.17"},
        )

    assert answer.status_code == 200
    assert answer.headers["x-request-id"] == "ward-3.17"
    assert "ward-3.17" in answer.json()["id"]
    trace = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")

    def of_trace(name: str) -> list[Any]:
        return [span for span in server.collector.spans(name) if span.trace_id == trace]

    until(lambda: len(of_trace("chat")) == 1 and len(of_trace("llm_request")) == 1)
    (ours,), (engines,) = of_trace("chat"), of_trace("llm_request")
    told = {one.key: one.value for one in ours.attributes}
    assert ours.parent_span_id == bytes.fromhex("b7ad6b7169203331")
    assert told["medley.digest"].string_value == answer.headers["x-medley-digest"]
    assert engines.parent_span_id == ours.span_id
