"""Requests that are always in flight, streamed and not, and when their tokens came."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from medley_training.benchmarks.swaps.lane import SwapLane

_ANSWER_LIMIT_S = 300
_DONE = b"[DONE]"

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One request and what came of it; times are seconds of `time.perf_counter`.

    Attributes:
        adapter: whose.
        prompt: which of the prompts.
        is_streamed: whether tokens were seen as they came.
        sent: when it was sent.
        first: when its first token came; of one that is not streamed, the whole answer.
        ended: when the last came.
        tokens: all of them.
        model: what the answer says it is from.
        error: why it has no answer.
    """

    adapter: str
    prompt: int
    is_streamed: bool
    sent: float
    first: float | None = None
    ended: float
    tokens: Tokens = ()
    model: str = ""
    error: str | None = None


class Asking:
    """Sends prompts to a lane."""

    def __init__(
        self,
        lane: SwapLane,
        prompts: Sequence[Sequence[int]],
        *,
        output_tokens: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Of every answer exactly so many of the likeliest tokens are wanted."""
        self._lane = lane
        self._prompts = [list(prompt) for prompt in prompts]
        self._output_tokens = output_tokens
        self._client = httpx.AsyncClient(
            base_url=lane.url,
            transport=transport,
            trust_env=False,
            timeout=_ANSWER_LIMIT_S,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )

    async def close(self) -> None:
        """Gives the connections back."""
        await self._client.aclose()

    async def keep(
        self,
        adapters: Sequence[str],
        prompts: Sequence[int],
        *,
        askers: int,
        until: asyncio.Event,
    ) -> list[Reply]:
        """Keeps `askers` requests in flight, in turns over prompts and adapters, until told.

        Every second asker streams.
        """
        pairs = itertools.cycle(itertools.product(prompts, adapters))
        replies: list[Reply] = []

        async def asker(place: int) -> None:
            while not until.is_set():
                prompt, adapter = next(pairs)
                model = self._lane.model_of(adapter)
                replies.append(await self.ask(model, adapter, prompt, is_streamed=place % 2 == 0))

        await asyncio.gather(*(asker(place) for place in range(askers)))
        return replies

    async def ask(
        self,
        model: str,
        adapter: str,
        prompt: int,
        *,
        is_streamed: bool,
        output_tokens: int | None = None,
    ) -> Reply:
        """One request; a failure is a reply with its error."""
        body = {
            "model": model,
            "prompt": self._prompts[prompt],
            "max_tokens": output_tokens or self._output_tokens,
            "ignore_eos": True,
            "temperature": 0,
            "return_token_ids": True,
        }
        sent = time.perf_counter()
        seen: list[tuple[float, Tokens, str]] = []
        error = None
        try:
            asked = self._streamed(body) if is_streamed else self._whole(body)
            async for tokens, named in asked:
                seen.append((time.perf_counter(), tokens, named))
        except (httpx.HTTPError, ValueError, LookupError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        tokens = tuple(itertools.chain.from_iterable(each for _, each, _ in seen))
        if error is None and len(tokens) != body["max_tokens"]:
            error = f"{len(tokens)} tokens came, not {body['max_tokens']}"
        return Reply(
            adapter=adapter,
            prompt=prompt,
            is_streamed=is_streamed,
            sent=sent,
            first=seen[0][0] if seen else None,
            ended=time.perf_counter(),
            tokens=tokens,
            model=seen[0][2] if seen else "",
            error=error,
        )

    async def surprise(self, model: str, prompt: int, answer: Tokens) -> list[float]:
        """How much less likely than the likeliest each token of an answer is, in nats.

        Measured in one pass over prompt and answer: what a version would have answered greedily
        has nothing but near ties here, whatever else was in the batch.

        Raises:
            httpx.HTTPError: the server does not answer.
        """
        body = {
            "model": model,
            "prompt": [*self._prompts[prompt], *answer],
            "max_tokens": 1,
            "temperature": 0,
            "prompt_logprobs": 1,
        }
        response = await self._client.post("/v1/completions", json=body)
        response.raise_for_status()
        rows = response.json()["choices"][0]["prompt_logprobs"][-len(answer) :]
        return [_gap(row, token) for row, token in zip(rows, answer, strict=True)]

    async def _whole(self, body: dict[str, Any]) -> AsyncIterator[tuple[Tokens, str]]:
        answer = await self._client.post("/v1/completions", json=body)
        if answer.is_error:
            raise ValueError(f"HTTP {answer.status_code}: {answer.text[:200]}")
        told = answer.json()
        yield tuple(told["choices"][0]["token_ids"]), told["model"]

    async def _streamed(self, body: dict[str, Any]) -> AsyncIterator[tuple[Tokens, str]]:
        asked = body | {"stream": True}
        async with self._client.stream("POST", "/v1/completions", json=asked) as answer:
            if answer.is_error:
                raise ValueError(f"HTTP {answer.status_code}: {(await answer.aread())[:200]!r}")
            async for line in answer.aiter_lines():
                data = line.removeprefix("data:").strip().encode()
                if not data or data == _DONE:
                    continue
                told = json.loads(data)
                if "error" in told:
                    raise ValueError(f"the server: {told['error']}")
                for choice in told["choices"]:
                    if tokens := tuple(choice.get("token_ids") or ()):
                        yield tokens, told["model"]


def _gap(row: dict[str, Any], token: int) -> float:
    best = max(entry["logprob"] for entry in row.values())
    return float(best - row[str(token)]["logprob"])
