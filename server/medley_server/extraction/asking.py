"""Asking the engine with a bound on how much at a time, and once more where an answer is none."""

import asyncio
import json
from dataclasses import dataclass, replace

from medley_server.extraction.completer import Completer
from medley_server.extraction.errors import EngineError, OutputInvalid, OutputTruncated
from medley_server.extraction.question import UNTIMED, Completion, Question, Size, Timing
from medley_server.extraction.written_json import WrittenJson, read_json

LEAST_ANSWER = 16
"""Tokens; with less room than this nothing is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What some questions cost."""

    input_tokens: int = 0
    output_tokens: int = 0
    timing: Timing = UNTIMED

    @classmethod
    def on(cls, completion: Completion) -> "Spent":
        """What one answer cost."""
        return cls(
            input_tokens=completion.input_tokens,
            output_tokens=completion.output_tokens,
            timing=completion.timing,
        )

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            timing=Timing(*map(sum, zip(self.timing, other.timing, strict=True))),
        )


NOTHING = Spent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of a question.

    Attributes:
        written: The answer; None where there is none.
        text: The answer's very characters, also where they are no answer.
        failure: Why there is none.
    """

    spent: Spent
    written: WrittenJson | None = None
    text: str = ""
    failure: EngineError | None = None


class Asking:
    """Puts questions to the engine; one per server, so that its bound holds for all documents."""

    def __init__(self, completer: Completer, *, most_at_once: int = 32) -> None:
        """Wraps a completer.

        Args:
            completer: Asks.
            most_at_once: Questions that the engine has at a time.
        """
        self.completer = completer
        self._room = asyncio.Semaphore(most_at_once)

    async def ask(self, question: Question, *, most_tokens: int | None = None) -> Asked:
        """Asks for JSON, and once more with another budget where the answer is cut or no JSON.

        Args:
            question: With its first budget.
            most_tokens: The second budget; twice the first if None.

        Raises:
            EngineUnavailable: The engine is dead.
        """
        first = await self._once(question)
        if first.written is not None:
            return first
        budget = 2 * question.max_tokens if most_tokens is None else most_tokens
        second = await self._once(replace(question, max_tokens=max(budget, LEAST_ANSWER)))
        return replace(second, spent=first.spent + second.spent)

    async def _once(self, question: Question) -> Asked:
        try:
            async with self._room:
                completion = await self.completer.complete(question)
        except EngineError as error:
            return Asked(spent=NOTHING, failure=error)
        spent = Spent.on(completion)
        if not completion.is_whole:
            cut = f"The answer was cut off after {completion.output_tokens} tokens."
            failure: EngineError = OutputTruncated.with_output(cut, completion.text)
            return Asked(spent=spent, text=completion.text, failure=failure)
        try:
            return Asked(spent=spent, text=completion.text, written=read_json(completion))
        except (ValueError, RecursionError):
            invalid = "The answer is no JSON of the form that was asked for."
            failure = OutputInvalid.with_output(invalid, completion.text)
            return Asked(spent=spent, text=completion.text, failure=failure)

    async def complete(self, question: Question) -> Completion:
        """One free answer; see `Completer.complete`."""
        async with self._room:
            return await self.completer.complete(question)

    async def size(self, question: Question) -> Size:
        """See `Completer.size`."""
        async with self._room:
            return await self.completer.size(question)


def most_text_tokens(question: Question) -> int:
    """A bound on the tokens of a question's texts without asking: none is shorter than a byte."""
    return len(json.dumps(list(question.messages), ensure_ascii=False).encode())
