"""A free prompt over a whole document."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

from medley.pages import Page
from medley.results import AnalysisOptions
from medley.segments import page_text

from medley_server.extraction.asking import Asking
from medley_server.extraction.framing import Frame
from medley_server.extraction.page_runs import picture_of, too_long
from medley_server.extraction.question import Completion, Pinned, Question
from medley_server.extraction.resized_image import Eye
from medley_server.extraction.together import together

TASK = "You answer questions about a document, from what it says and from nothing else."
USUAL_ANSWER = 1024
"""Tokens, where a caller gives no number and the context has room."""

_LEAST_USUAL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a prompt is about.

    Attributes:
        pages: Those with something on them.
        account: What became of the document's pages, for the answer.
    """

    pages: Sequence[Page]
    sha256: str
    model: Pinned
    account: dict[str, Any]


class Analysis:
    """Asks free questions."""

    def __init__(self, asking: Asking, eye: Eye | None) -> None:
        self._asking = asking
        self._eye = eye

    async def question(
        self, subject: Subject, options: AnalysisOptions, most_tokens: int | None = None
    ) -> Question:
        """The prompt with the whole document.

        Args:
            subject: The document.
            options: The prompt; its bound on the answer must have room, or it is refused.
            most_tokens: The bound where the options have none; less is given where there is less.

        Raises:
            DocumentTooLong: The model cannot be shown so much, with room for the answer.
            ImageTooSmall: A picture cannot be looked at.
            EngineError: The engine cannot be asked.
        """
        frame = Frame(task=TASK, prompt=options.prompt, sha256=subject.sha256)
        most = USUAL_ANSWER if most_tokens is None else min(most_tokens, USUAL_ANSWER)
        least = options.max_tokens or min(_LEAST_USUAL, most)
        question = Question(
            model=subject.model,
            messages=frame.texts(()),
            max_tokens=least,
            temperature=options.temperature,
        )
        if self._eye is None:
            texts = await asyncio.to_thread(lambda: [page_text(page) for page in subject.pages])
            question = replace(question, messages=frame.texts(texts))
            size = await self._asking.size(question)
            used = size.tokens
        else:
            size = await self._asking.size(question)
            question, tokens = await self._pictures(subject.pages, frame, question)
            used = size.tokens + tokens
        if used + least > size.limit:
            raise too_long(used, size.limit - least)
        usual = min(most, size.limit - used)
        return replace(question, max_tokens=options.max_tokens or usual)

    async def _pictures(
        self, pages: Sequence[Page], frame: Frame, question: Question
    ) -> tuple[Question, int]:
        eye = self._eye
        assert eye is not None
        images = await together(picture_of(page, eye) for page in pages)
        messages = frame.pictures([image.url for image in images])
        tokens = sum(eye.tokens(image.size) for image in images)
        return replace(question, messages=messages), tokens

    async def whole(self, subject: Subject, question: Question, request_id: str) -> bytes:
        """The answer as OpenAI's chat completion, with what became of the pages under `medley`."""
        completion = await self._asking.complete(question)
        body = _chat_completion(completion, subject.model.reference, request_id)
        return json.dumps(body | {"medley": subject.account}, ensure_ascii=False).encode()

    async def events(
        self, subject: Subject, question: Question, request_id: str
    ) -> AsyncIterator[bytes]:
        """The answer's events; the first has no choices and says what became of the pages."""
        stream = self._asking.completer.stream(question)
        try:
            first = await anext(stream, b"")
            yield _opening(subject, request_id)  # not before the engine took the question
            yield first
            async for event in stream:
                yield event
        finally:
            await closed(stream)


class OpenStream:
    """Events of an answer that holds its version until it ends, is closed, or fails."""

    def __init__(self, events: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        self._events = events
        self._held = held
        self._first: list[bytes] = []

    @classmethod
    async def begun(cls, events: AsyncIterator[bytes], held: AsyncExitStack) -> "OpenStream":
        """Waits for the first event, so that what is refused is raised here."""
        stream = cls(events, held)
        stream._first.append(await anext(stream))
        return stream

    def __aiter__(self) -> "OpenStream":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            return self._first.pop()
        try:
            return await anext(self._events)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stops the engine's work for it, and lets the version go."""
        self._first.clear()
        try:
            await closed(self._events)
        finally:
            await self._held.aclose()


async def once(body: bytes) -> AsyncIterator[bytes]:
    """One piece."""
    yield body


async def closed(stream: AsyncIterator[bytes]) -> None:
    """Closes what can be closed."""
    if (close := getattr(stream, "aclose", None)) is not None:
        await close()


def _opening(subject: Subject, request_id: str) -> bytes:
    chunk = {
        "id": request_id,
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": subject.model.reference,
        "choices": [],
        "medley": subject.account,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _chat_completion(completion: Completion, reference: str, request_id: str) -> dict[str, Any]:
    usage = {
        "prompt_tokens": completion.input_tokens,
        "completion_tokens": completion.output_tokens,
        "total_tokens": completion.input_tokens + completion.output_tokens,
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": completion.text},
        "finish_reason": "stop" if completion.is_whole else "length",
    }
    return {
        "id": request_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": reference,
        "choices": [choice],
        "usage": usage,
    }
