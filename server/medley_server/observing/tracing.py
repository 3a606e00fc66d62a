"""Spans of OpenTelemetry: one for each request that a model may answer, and one for each swap.

The caller's trace is taken up where he sends one (W3C Trace Context), and vLLM's own spans, which
`--otlp-traces-endpoint` turns on, become children of ours. Nothing of OpenTelemetry is imported
unless an endpoint is set.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from medley_server.errors import CannotStart
from medley_server.observing.request_record import RequestRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"

Headers = Sequence[tuple[bytes, bytes]]

_CONTEXT = (b"traceparent", b"tracestate")
_NANOSECONDS = 1_000_000_000
_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "chat",
    "/v1/completions": "text_completion",
    "/extract": "extract",
    "/v1/extract": "extract",
    "/analyze": "analyze",
    "/v1/analyze": "analyze",
}


class Tracing:
    """Makes spans with a provider of its own: vLLM sets the process's global one."""

    def __init__(self, provider: "TracerProvider") -> None:
        """Spans go where `provider` sends them."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = provider.get_tracer("medley")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, record: RequestRecord, headers: Headers) -> "RequestSpan | None":
        """The span of a request; None for routes that no model answers."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        operation = _OPERATIONS.get(record.route)
        if operation is None:
            return None
        given = {
            name.decode(): value.decode("latin-1") for name, value in headers if name in _CONTEXT
        }
        context = self._propagator.extract(given)
        span = self._tracer.start_span(operation, context, SpanKind.SERVER)
        onward: dict[str, str] = {}
        self._propagator.inject(onward, set_span_in_context(span))
        others = [pair for pair in headers if pair[0] not in _CONTEXT]
        passed = [(name.encode(), value.encode()) for name, value in onward.items()]
        return RequestSpan(span, operation, [*others, *passed])

    def note_swap(
        self,
        attributes: Mapping[str, str],
        *,
        started: float,
        phases_s: Mapping[str, float],
        has_failed: bool,
    ) -> None:
        """The span of a swap that has ended, with its phases as events.

        Args:
            attributes: what was swapped for what.
            started: seconds since the epoch.
            phases_s: seconds from the start to the end of each phase.
            has_failed: whether the old version serves on.
        """
        from opentelemetry.trace import StatusCode

        at = int(started * _NANOSECONDS)
        span = self._tracer.start_span("swap", attributes=dict(attributes), start_time=at)
        for phase, seconds in phases_s.items():
            span.add_event(phase, timestamp=at + int(seconds * _NANOSECONDS))
        if has_failed:
            span.set_status(StatusCode.ERROR)
        span.end()


class RequestSpan:
    """A span that is open, and the headers of the request with it as parent."""

    def __init__(self, span: Any, operation: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._span = span
        self._operation = operation
        self.headers = headers

    def end(self, record: RequestRecord) -> None:
        """Closes it with what the request came to."""
        from opentelemetry.trace import StatusCode

        told = {name: value for name, value in _attributes(record).items() if value is not None}
        self._span.set_attributes(told | {"gen_ai.operation.name": self._operation})
        if (name := told.get("gen_ai.response.model")) is not None:
            self._span.update_name(f"{self._operation} {name}")
        if (record.status or 500) >= 500:  # the semantic conventions: 4xx is the caller's error
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def _attributes(record: RequestRecord) -> dict[str, str | int | float | bool | None]:
    """Names from the semantic conventions where they have one (gen_ai, http), else ours."""
    version = record.version
    return {
        "http.request.method": record.method,
        "http.route": record.route,
        "http.response.status_code": record.status,
        "error.type": record.code,
        "gen_ai.provider.name": "vllm",
        "gen_ai.response.model": version.reference if version else record.base,
        "gen_ai.usage.input_tokens": record.prompt_tokens,
        "gen_ai.usage.output_tokens": record.completion_tokens,
        "gen_ai.latency.time_to_first_token": record.first_token_s,  # as vLLM calls it
        "gen_ai.latency.time_in_queue": record.queue_s,
        "medley.adapter": version.adapter if version else None,
        "medley.version": version.number if version else None,
        "medley.digest": str(version.digest) if version else None,
        "medley.round": version.round if version else None,
        "medley.request_id": record.request_id,
        "medley.caller": record.caller,
        "medley.has_left": True if record.outcome == "left" else None,
    }


@asynccontextmanager
async def open_tracing(environment: Mapping[str, str]) -> AsyncIterator[Tracing | None]:
    """Tracing where an endpoint is set; what is not sent yet goes out at the end.

    Raises:
        CannotStart: OpenTelemetry is not installed, or the protocol is unknown.
    """
    if not environment.get(ENDPOINT):
        yield None
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = _exporter(environment.get(PROTOCOL, "grpc"))
    except ModuleNotFoundError as error:
        raise CannotStart(f"{ENDPOINT} is set, and {error.name} is not installed") from error
    named = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "medley")})
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider)
    finally:
        await asyncio.to_thread(provider.shutdown)


def _exporter(protocol: str) -> "SpanExporter":
    """Reads its other settings from the environment, as the specification names them."""
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

        return Grpc()
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

        return Http()
    raise CannotStart(f"{PROTOCOL}: {protocol!r} is neither grpc nor http/protobuf")
