"""A server in memory whose versions are exchanged, rightly or wrongly."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
from medley_training.benchmarks.swaps.lane import Act, Leftovers

TOKENS = 6
PROMPTS = [[1, 2], [3, 4], [5, 6]]
ACTS = [Act(f"part-{part}", number) for part in (1, 2) for number in (1, 2)]


def said(act: Act, prompt: list[int], place: int) -> int:
    """The token that a version has there."""
    return 1000 * int(act.adapter[-1]) + 100 * act.number + 10 * (prompt[0] % 10) + place


class Theatre:
    """A `SwapLane` and what answers for it.

    Attributes:
        names_versions: answers name their version, as Medley's do.
        is_torn: a version that comes takes over requests that are running, as `load_inplace` does.
        is_stale: versions never change.
        refuses: of so many requests of the load one fails.
    """

    name = "theatre"
    url = "http://theatre"

    def __init__(self, *, names_versions: bool = True) -> None:
        self.names_versions = names_versions
        self.is_torn = self.is_stale = False
        self.refuses = 0
        self.current = {"part-1": 1, "part-2": 1}
        self.asked: Counter[str] = Counter()
        self.transport = httpx.MockTransport(self._answer)

    def model_of(self, adapter: str) -> str:
        return adapter

    def model_of_act(self, act: Act) -> str:
        return str(act)

    def named(self, model: str) -> Act | None:
        if not self.names_versions:
            return None
        adapter, _, number = model.partition(":")
        return Act(adapter, int(number))

    async def swap(self, act: Act) -> None:
        await asyncio.sleep(0)
        if not self.is_stale:
            self.current[act.adapter] = act.number

    async def leftovers(self) -> Leftovers:
        return Leftovers(2, 0)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked[body["model"]] += 1
        is_load = ":" not in body["model"]
        if self.refuses and is_load and self.asked[body["model"]] % self.refuses == 0:
            return httpx.Response(503, text="not now")
        act = self._act(body["model"])
        if "prompt_logprobs" in body:
            return httpx.Response(200, json=_surprise(act, body["prompt"]))
        tokens = []
        for place in range(body["max_tokens"]):
            await asyncio.sleep(0.0005)
            speaks = self._act(body["model"]) if self.is_torn else act
            tokens.append(said(speaks, body["prompt"], place))
        told = {"model": str(act), "choices": [{"token_ids": tokens}]}
        if not body.get("stream"):
            return httpx.Response(200, json=told)
        return httpx.Response(200, text=f"data: {json.dumps(told)}\n\ndata: [DONE]\n\n")

    def _act(self, model: str) -> Act:
        adapter, _, number = model.partition(":")
        return Act(adapter, int(number) if number else self.current[adapter])


def _surprise(act: Act, prompt: list[int]) -> dict[str, Any]:
    """As vLLM tells it: a row for each token of prompt and answer, the first without any."""
    rows: list[dict[str, Any] | None] = []
    for place, token in enumerate(prompt):
        likeliest = said(act, prompt, place - 2)
        rows.append({str(likeliest): {"logprob": -0.1}, str(token): {"logprob": -4.0}})
        if token == likeliest:
            rows[-1] = {str(token): {"logprob": -0.1}}
    return {"choices": [{"prompt_logprobs": [None, *rows[1:]]}]}
