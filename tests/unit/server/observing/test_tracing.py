import subprocess
import sys
from typing import Any

import pytest
from medley_registry import Registry, Version
from medley_server.errors import CannotStart
from medley_server.observing.tracing import Tracing, open_tracing
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.unit.server.observing.conftest import Observe
from tests.unit.server.observing.speaking_app import PROMPT_TOKENS, WORDS, SpeakingApp

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


def told(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_span_says_which_version_answered_and_what_it_took(
    observe: Observe, tracing: Tracing, exporter: InMemorySpanExporter, versions: list[Version]
) -> None:
    async with observe(tracing=tracing) as seen:
        exporter.clear()  # of the first swap
        answer = await seen.chat("note", stream=True)

    (span,) = exporter.get_finished_spans()
    said = told(span)
    assert span.name == "chat note:1"
    assert said.pop("gen_ai.latency.time_to_first_token") > 0
    assert said.pop("gen_ai.latency.time_in_queue") >= 0
    assert said == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.response.model": "note:1",
        "gen_ai.usage.input_tokens": PROMPT_TOKENS,
        "gen_ai.usage.output_tokens": len(WORDS),
        "medley.adapter": "note",
        "medley.version": 1,
        "medley.digest": str(versions[0].digest),
        "medley.round": 1,
        "medley.request_id": answer.headers["x-request-id"],
        "medley.caller": "configured key 1",
    }


async def test_the_callers_trace_goes_through_us_to_the_engine(
    observe: Observe, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with observe(tracing=tracing) as seen:
        exporter.clear()
        seen.http.headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
        seen.http.headers["tracestate"] = "ward=3"
        await seen.chat()

    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == PARENT
    given = seen.app.headers[0]
    assert given[b"traceparent"].decode() == f"00-{TRACE}-{span.context.span_id:016x}-01"
    assert given[b"tracestate"] == b"ward=3"


async def test_without_tracing_the_engine_gets_the_callers_trace_as_it_is(
    observe: Observe,
) -> None:
    async with observe() as seen:
        seen.http.headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
        await seen.chat()

    assert seen.app.headers[0][b"traceparent"].decode() == f"00-{TRACE}-{PARENT}-01"


@pytest.mark.parametrize(("model", "status", "is_error"), [("note", 500, True), ("no", 404, False)])
async def test_failures_of_ours_are_errors_and_those_of_callers_are_not(
    observe: Observe,
    tracing: Tracing,
    exporter: InMemorySpanExporter,
    model: str,
    status: int,
    *,
    is_error: bool,
) -> None:
    async with observe(SpeakingApp(fails_with=500), tracing=tracing) as seen:
        exporter.clear()
        await seen.chat(model)

    (span,) = exporter.get_finished_spans()
    assert told(span)["http.response.status_code"] == status
    assert (span.status.status_code is StatusCode.ERROR) == is_error
    assert "error.type" in told(span)


async def test_routes_that_no_model_answers_have_no_span(
    observe: Observe, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with observe(tracing=tracing) as seen:
        exporter.clear()
        await seen.http.get("/v1/models")
        await seen.http.get("/metrics")

    assert exporter.get_finished_spans() == ()


async def test_a_swap_is_a_span_with_its_phases_as_events(
    observe: Observe, tracing: Tracing, exporter: InMemorySpanExporter, registry: Registry
) -> None:
    async with observe(tracing=tracing):
        (span,) = exporter.get_finished_spans()

    assert (span.name, span.start_time is not None) == ("swap", True)
    assert told(span)["medley.alias"] == "note@production"
    assert told(span)["medley.version"] == "note:1"
    names = [event.name for event in span.events]
    assert names[0] == "verified"
    assert names[-1] == "live"
    times = [event.timestamp for event in span.events]
    assert times == sorted(times)


async def test_it_is_off_unless_an_endpoint_is_set() -> None:
    async with open_tracing({}) as tracing:
        assert tracing is None


async def test_an_unknown_protocol_stops_the_start() -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon",
    }

    with pytest.raises(CannotStart, match="carrier-pigeon"):
        async with open_tracing(environment):
            pass


def test_nothing_of_opentelemetry_is_imported_for_a_server_without_it() -> None:
    program = (
        "import sys, medley_server.observing, medley_server.starting\n"
        "heavy = {'opentelemetry', 'prometheus_client', 'grpc'}\n"
        "assert heavy.isdisjoint(name.partition('.')[0] for name in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
