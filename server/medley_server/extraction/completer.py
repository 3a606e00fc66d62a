"""Asking the engine: the port, and vLLM's own HTTP app in this process behind it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from medley_server.asgi_call import Answer, asgi_stream
from medley_server.extraction.errors import EngineError, EngineUnavailable
from medley_server.extraction.grammar import grammar_of
from medley_server.extraction.question import Completion, Question, Size, Timing, Token
from medley_server.traffic import Exchange
from medley_server.traffic.agreement import schema_fields

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_CHAT = "/v1/chat/completions"
_TOKENIZE = "/tokenize"
_OK = 200
_FAILED = b'data: {"error"'


class Completer(Protocol):
    """Asks the engine. Cancelling a call stops the engine's work for it."""

    async def complete(self, question: Question) -> Completion:
        """The whole answer.

        Raises:
            EngineError: The engine refused or failed; says no more than that.
            EngineUnavailable: It is dead.
        """
        ...

    def stream(self, question: Question) -> AsyncIterator[bytes]:
        """The answer's server-sent events, as of OpenAI's chat completions, under our reference.

        Raises:
            EngineError: As for `complete`, before the first event.
            EngineUnavailable: As for `complete`.
        """
        ...

    async def size(self, question: Question) -> Size:
        """How many tokens the question has, and how many it may have with its answer.

        Raises:
            EngineError: As for `complete`.
            EngineUnavailable: As for `complete`.
        """
        ...


class AppCompleter:
    """Asks vLLM's app by a call in this process, below the gateway: the reference is resolved.

    What the answer may be is given as a grammar of ours (`grammar_of`) and not as a JSON schema:
    it knows no white space between values and no endless string, list or number, whatever the
    engine's flags are.
    """

    def __init__(self, app: "ASGIApp", *, is_alive: Callable[[], bool], root: Any = None) -> None:
        """Wraps vLLM's app.

        Args:
            app: What the gateway wraps.
            is_alive: Whether the engine lives (`Engine.is_healthy`).
            root: vLLM's FastAPI object, whose state the routes read; None if `app` is that object.
        """
        self._app = app
        self._is_alive = is_alive
        self._root = root

    async def complete(self, question: Question) -> Completion:
        """See `Completer.complete`."""
        request = _request(question)
        answer = await self._ask(_CHAT, request)
        try:
            completion = _completion(answer)
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError("The engine gave an answer of a form unknown here.") from error
        if completion.is_whole and (copied := question.model.copied) is not None:
            copied(self._exchange(question, request, completion))
        return completion

    def _exchange(
        self, question: Question, request: Mapping[str, Any], completion: Completion
    ) -> Exchange:
        return Exchange(
            app=self._app,
            root=self._root,
            path=_CHAT,
            request=request,
            heard=completion.text,
            named=schema_fields({"response_format": question.schema}),
        )

    async def stream(self, question: Question) -> AsyncIterator[bytes]:
        """See `Completer.stream`."""
        request = _request(question) | {"stream": True, "stream_options": {"include_usage": True}}
        field = b'"model":"%s"'
        ours, theirs = question.model.reference.encode(), question.model.engine_name.encode()
        async with self._called(_CHAT, request) as answer:
            async for event in answer.body:
                if event.startswith(_FAILED):  # vLLM's own words of it stay in its log
                    yield b"data: " + json.dumps(self._refusal(500).body()).encode() + b"\n\n"
                else:
                    yield event.replace(field % theirs, field % ours)

    async def size(self, question: Question) -> Size:
        """See `Completer.size`."""
        request = {"model": question.model.engine_name, "messages": list(question.messages)}
        answer = await self._ask(_TOKENIZE, request)
        return Size(int(answer["count"]), int(answer["max_model_len"]))

    async def _ask(self, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        async with self._called(path, request) as answer:
            body = b"".join([piece async for piece in answer.body])
        try:
            parsed = json.loads(body)
        except ValueError as error:
            raise EngineError("The engine gave an answer that is no JSON.") from error
        if not isinstance(parsed, dict):
            raise EngineError("The engine gave an answer of a form unknown here.")
        return parsed

    @asynccontextmanager
    async def _called(self, path: str, request: Mapping[str, Any]) -> AsyncIterator[Answer]:
        if not self._is_alive():
            raise EngineUnavailable("The engine is not running.")
        try:
            async with asgi_stream(self._app, path, request, root=self._root) as answer:
                if answer.status != _OK:
                    raise self._refusal(answer.status)
                yield answer
        except (EngineError, EngineUnavailable):
            raise
        except Exception as error:  # the engine's edge: whatever its app raises is a failure of it
            raise self._refusal(500) from error

    def _refusal(self, status: int) -> EngineError | EngineUnavailable:
        """What vLLM says of itself stays in its log: it names paths and engine names."""
        if not self._is_alive():
            return EngineUnavailable("The engine is not running.")
        did = "failed" if status >= 500 else "refused the question"
        return EngineError(f"The engine {did} (status {status}).")


def _request(question: Question) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": question.model.engine_name,
        "messages": list(question.messages),
        "max_tokens": question.max_tokens,
        "temperature": question.temperature,
        "logprobs": question.wants_logprobs,
    }
    if question.model.salt is not None:
        request["cache_salt"] = question.model.salt
    if question.schema is not None:
        grammar = grammar_of(question.schema, copied_from=question.copied_from)
        request["structured_outputs"] = {"grammar": grammar}
    return request


def _completion(answer: Mapping[str, Any]) -> Completion:
    choice = answer["choices"][0]
    usage = answer.get("usage") or {}
    content = (choice.get("logprobs") or {}).get("content") or ()
    return Completion(
        text=choice["message"]["content"] or "",
        is_whole=choice["finish_reason"] != "length",
        tokens=tuple(Token(token["token"], token["logprob"]) for token in content),
        input_tokens=usage.get("prompt_tokens", 0),
        output_tokens=usage.get("completion_tokens", 0),
        timing=_timing(answer.get("metrics") or {}),
    )


def _timing(metrics: Mapping[str, Any]) -> Timing:
    """What vLLM tells with `--enable-per-request-metrics`."""
    queue = metrics.get("queue_time_ms") or 0.0
    first = metrics.get("time_to_first_token_ms") or 0.0
    return Timing(queue, max(first - queue, 0.0), metrics.get("generation_time_ms") or 0.0)
