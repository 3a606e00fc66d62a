"""What is remembered of one request until it is over: measures and names, nothing that was said."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medley_registry import Version

if TYPE_CHECKING:
    from starlette.types import Scope

RECORD = "medley.record"
"""Where an ASGI scope holds it."""


@dataclass(slots=True, kw_only=True)
class RequestRecord:
    """One request; whoever learns something of it writes it here.

    Attributes:
        method: of HTTP.
        route: one of a fixed set (`medley_server.observing.routes`), never a path as it came.
        request_id: also in the answer's `x-request-id`.
        caller: the key's name and id, or what stands for callers without one.
        base: the base's name, where the base itself answers.
        version: what answers, once it is resolved.
        status: of the answer, once it has begun.
        code: of the error, where the answer is one.
        is_stream: whether the answer comes event by event.
        is_whole: whether all of the answer has been sent.
        has_left: whether the caller hung up before that.
        names_another: whether the answer named another model than the version; never so.
        prompt_tokens: as vLLM counted them.
        completion_tokens: as vLLM counted them.
        is_counted: whether its tokens were counted before its end, question by question.
        first_token_s: from the request's beginning to the first token; streams only.
        gaps_s: from one streamed event with tokens to the next.
        queue_s: waited for a turn.
        duration_s: from beginning to end, once it is over.
        started: seconds since the epoch.
    """

    method: str
    route: str
    request_id: str
    caller: str | None = None
    base: str | None = None
    version: Version | None = None
    status: int | None = None
    code: str | None = None
    is_stream: bool = False
    is_whole: bool = False
    has_left: bool = False
    names_another: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    is_counted: bool = False
    first_token_s: float | None = None
    gaps_s: list[float] = field(default_factory=list)
    queue_s: float | None = None
    duration_s: float | None = None
    started: float = field(default_factory=time.time)
    clock: float = field(default_factory=time.perf_counter)

    @property
    def outcome(self) -> str:
        """`2xx` to `5xx`, or `left` where the caller did not stay for the end."""
        if self.has_left and not self.is_whole:
            return "left"
        return f"{(self.status or 500) // 100}xx"


CURRENT: ContextVar[RequestRecord | None] = ContextVar("record", default=None)
"""The request that this task works for."""


def record_of(scope: "Scope") -> RequestRecord:
    """The record of a request; one that nobody reads where nothing is observed."""
    record: RequestRecord | None = scope.get(RECORD)
    if record is None:
        record = RequestRecord(method=scope.get("method", ""), route="other", request_id="")
    return record
