"""An engine that answers by rules of Python instead of a model, and readers of ready pages."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from medley.pages import Page, Reading
from medley.reading import Wanted
from medley.results import ServedModel
from medley_server.extraction.asking import Asking
from medley_server.extraction.pipeline import Pipeline
from medley_server.extraction.port import User
from medley_server.extraction.question import Completion, Pinned, Question, Size, Token
from medley_server.extraction.resized_image import Eye

from tests.unit.server.extraction.paper import reading_of

BASE = Pinned(engine_name="tiny", reference="tiny", served=ServedModel(base="tiny"))
_LAB = re.compile(r"(Potassium|Sodium|Creatinine)\W+([<>]?[\d.,]+)\s*(mmol/L|mg/dL)?")
_TOKEN = re.compile(r"\w+|\W")

Rule = Callable[[Question], str]


def copied_labs(question: Question) -> str:
    """What a good model copies of a segment with laboratory results."""
    rows = [
        {"name": name, "value": value, **({"unit": unit} if unit else {})}
        for name, value, unit in _LAB.findall(asked(question))
    ]
    return json.dumps({"labs": rows} if rows else {}, separators=(",", ":"))


def asked(question: Question) -> str:
    """The user's words."""
    content = question.messages[-1]["content"]
    return content if isinstance(content, str) else str(content[-1]["text"])


class RuleEngine:
    """Keeps the contract of `Completer`: a budget cuts an answer off, a token is a word or a mark.

    Attributes:
        questions: All that were asked to be completed.
        most_at_once: How many were being answered at one time.
    """

    def __init__(self, rule: Rule, *, limit: int = 8192, chance: float = 0.9) -> None:
        self._rule = rule
        self._limit = limit
        self._chance = chance
        self._running = 0
        self.questions: list[Question] = []
        self.most_at_once = 0
        self.cancelled = 0
        self.closed = 0

    async def complete(self, question: Question) -> Completion:
        self.questions.append(question)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            await asyncio.sleep(0)
            text = self._rule(question)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self._running -= 1
        pieces = _TOKEN.findall(text)
        kept = pieces[: question.max_tokens]
        logprob = math.log(self._chance)
        return Completion(
            text="".join(kept),
            is_whole=len(kept) == len(pieces),
            tokens=tuple(Token(piece, logprob) for piece in kept),
            input_tokens=self._count(question),
            output_tokens=len(kept),
        )

    async def stream(self, question: Question) -> AsyncIterator[bytes]:
        self.questions.append(question)
        try:
            for piece in _TOKEN.findall(self._rule(question)):
                yield b"data: " + json.dumps({"choices": [{"delta": {"content": piece}}]}).encode()
                await asyncio.sleep(0)
            yield b"data: [DONE]\n\n"
        finally:
            self.closed += 1

    async def size(self, question: Question) -> Size:
        return Size(self._count(question), self._limit)

    def _count(self, question: Question) -> int:
        return sum(
            len(_TOKEN.findall(json.dumps(part, ensure_ascii=False)))
            for message in question.messages
            for part in _texts(message["content"])
        )


def _texts(content: Any) -> list[str]:
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content if part["type"] == "text"]


class ReadyPages:
    """Keeps the contract of `DocumentReader` over pages that were read before."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._reading = reading_of(pages)
        self.wanted: Wanted | None = None

    async def read(
        self,
        path: Path,
        *,
        pages: str | None = None,
        wanted: Wanted | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Reading:
        self.wanted = wanted
        await asyncio.sleep(0)
        return self._reading


class OneModel:
    """Keeps the contract of `Models`; remembers what was asked for and what is held."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.held = 0

    async def check(self, reference: str | None, caller: User) -> None:
        if reference is not None:
            caller.require_use(reference)

    @asynccontextmanager
    async def pinned(
        self, reference: str | None, *, key: str = "", request_id: str = ""
    ) -> AsyncIterator[Pinned]:
        self.asked.append(reference)
        self.held += 1
        try:
            yield BASE
        finally:
            self.held -= 1


def pipeline_of(
    engine: RuleEngine,
    *pages: Page,
    models: OneModel | None = None,
    eye: Eye | None = None,
) -> Pipeline:
    return Pipeline(
        ReadyPages(pages),
        Asking(engine, most_at_once=4),
        models or OneModel(),
        eye=eye,
    )
