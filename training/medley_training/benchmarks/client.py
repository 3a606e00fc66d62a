"""Sends a load to a server over its OpenAI API and writes down when each token comes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from medley_training.benchmarks.answer import Answer
from medley_training.benchmarks.load import Load, LoadKind

_ANSWER_LIMIT_S = 900
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a load."""

    model: str
    prompt: Sequence[int]
    due_s: float


def questions(
    load: Load, prompts: Sequence[Sequence[int]], models: Sequence[str], repeat: int
) -> list[Question]:
    """The requests of a turn; each model gets as many as any other, to within one.

    The models take turns in an order that the seed decides, so that neighbours differ from repeat
    to repeat.
    """
    import numpy as np

    order = np.random.default_rng((load.seed, repeat + 1, 3)).permutation(len(models))
    asked = [models[order[place % len(models)]] for place in range(load.requests)]
    due = load.due_s(repeat)
    return [Question(*each) for each in zip(asked, prompts, due, strict=True)]


def ask_all(url: str, load: Load, asked: Sequence[Question]) -> tuple[list[Answer], float]:
    """Sends the questions as the load says; the answers, and the seconds it took.

    A question that fails has an answer with its error: none is left out.
    """
    return asyncio.run(_Asking(url, load).ask_all(asked))


class _Asking:
    """One turn: its clock begins with its first question."""

    def __init__(self, url: str, load: Load) -> None:
        self._url = f"{url}/v1/completions"
        self._load = load
        self._began = 0.0

    async def ask_all(self, asked: Sequence[Question]) -> tuple[list[Answer], float]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx.Timeout(_ANSWER_LIMIT_S)
        async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as client:
            self._began = time.perf_counter()
            if self._load.kind is LoadKind.OPEN:
                answers = await asyncio.gather(*(self._when_due(client, each) for each in asked))
            else:
                answers = await self._a_few_at_once(client, asked)
            wall_s = self._now()
        return answers, wall_s

    def _now(self) -> float:
        return time.perf_counter() - self._began

    async def _when_due(self, client: httpx.AsyncClient, question: Question) -> Answer:
        await asyncio.sleep(max(0.0, question.due_s - self._now()))
        return await self._ask(client, question, due_s=question.due_s)

    async def _a_few_at_once(
        self, client: httpx.AsyncClient, asked: Sequence[Question]
    ) -> list[Answer]:
        """Each of so many askers sends its next question when it has the answer to its last."""
        waiting = iter(enumerate(asked))
        answers: dict[int, Answer] = {}

        async def asker() -> None:
            for place, question in waiting:
                answers[place] = await self._ask(client, question, due_s=self._now())

        await asyncio.gather(*(asker() for _ in range(self._load.concurrency)))
        return [answers[place] for place in range(len(asked))]

    async def _ask(self, client: httpx.AsyncClient, question: Question, *, due_s: float) -> Answer:
        times: list[float] = []
        error = None
        sent_s = self._now()
        body = self._body(question)
        try:
            async with client.stream("POST", self._url, json=body) as stream:
                if stream.status_code == httpx.codes.OK:
                    async for tokens in _token_counts(stream.aiter_raw()):
                        times += self._spread_out(tokens, times[-1] if times else None)
                else:
                    error = f"HTTP {stream.status_code}: {(await stream.aread())[:200]!r}"
        except (httpx.HTTPError, ValueError, LookupError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        wanted = self._load.output_tokens
        if error is None and len(times) != wanted:
            error = f"{len(times)} tokens came, not {wanted}"
        return Answer(
            model=question.model,
            due_s=due_s,
            sent_s=sent_s,
            token_times_s=tuple(times),
            error=error,
        )

    def _spread_out(self, tokens: int, last: float | None) -> list[float]:
        """Tokens that come in one piece are spread evenly over the gap before it."""
        now = self._now()
        if last is None:
            return [now] * tokens
        return [last + (now - last) * part / tokens for part in range(1, tokens + 1)]

    def _body(self, question: Question) -> dict[str, Any]:
        """Exactly so many tokens, the likeliest ones, whatever they are."""
        wanted = self._load.output_tokens
        return {
            "model": question.model,
            "prompt": [*question.prompt],
            "max_tokens": wanted,
            "min_tokens": wanted,
            "ignore_eos": True,
            "temperature": 0,
            "stream": True,
            "return_token_ids": True,
        }


async def _token_counts(pieces: AsyncIterator[bytes]) -> AsyncIterator[int]:
    """How many tokens each event of a stream brings, as it comes.

    Raises:
        ValueError: the stream says that it failed, or an event is no JSON.
        LookupError: an event does not tell its tokens.
    """
    rest = b""
    async for piece in pieces:
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            data = event.removeprefix(b"data:").strip()
            if not data or data == _DONE:
                continue
            told = json.loads(data)
            if "error" in told:
                raise ValueError(f"the server: {told['error']}")
            tokens = sum(len(choice["token_ids"] or ()) for choice in told["choices"])
            if tokens:
                yield tokens
