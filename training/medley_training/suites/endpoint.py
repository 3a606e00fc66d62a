"""A server's OpenAI-compatible API, as far as an evaluation asks it."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from medley_training.errors import NotMeasured
from medley_training.suites.evaluated import EvaluatedModel

if TYPE_CHECKING:
    import httpx

ANSWER_LIMIT_S = 600
_PAUSES_S = (0.5, 1.0, 2.0)
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Said:
    """A generated answer; `is_cut` where its tokens ran out."""

    text: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is, and how it is called.

    Attributes:
        url: Without a path.
        own_key: Opens a server of one's own on this machine, which no proxy stands before; None for
            somebody's server, which takes the key in ``MEDLEY_API_KEY`` if there is one.
    """

    url: str
    own_key: str | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """What to call it with; empty for none."""
        given = os.environ.get("MEDLEY_API_KEY", "").partition(",")[0].strip()
        return given if self.own_key is None else self.own_key


class Endpoint:
    """A context manager around one connection pool.

    A request whose connection breaks is sent again, three times at most; nothing else is, because
    what a server refuses or answers wrongly belongs into the result of a measurement.
    """

    def __init__(
        self,
        address: ServerAddress,
        *,
        concurrency: int,
        transport: "httpx.AsyncBaseTransport | None" = None,
        pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:
        """Asks the server at an address.

        Args:
            address: The server's.
            concurrency: How many questions are under way at once.
            transport: Stands in for the network.
            pauses_s: Before each further try.
        """
        import httpx

        self.url = address.url.rstrip("/")
        self.key = address.key
        self.concurrency = concurrency
        self._pauses_s = pauses_s
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"authorization": f"Bearer {self.key}"} if self.key else {},
            timeout=ANSWER_LIMIT_S,
            limits=httpx.Limits(max_connections=concurrency),
            transport=transport,
            trust_env=address.own_key is None,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def facts(self) -> dict[str, Any]:
        """What `GET /benchmark` says of the server.

        Raises:
            NotMeasured: It does not say.
        """
        return await self._asked("GET", "/benchmark", None, digest=None)

    async def chat(
        self, model: EvaluatedModel, messages: Sequence[Mapping[str, str]], *, max_tokens: int
    ) -> Said:
        """The model's greedy answer to a chat.

        Raises:
            NotMeasured: There is none, or another version gave it.
        """
        body = {
            "model": model.name,
            "messages": [dict(message) for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        found = await self._asked("POST", "/v1/chat/completions", body, digest=model.digest)
        try:
            [choice] = found["choices"]
            return Said(choice["message"]["content"] or "", choice["finish_reason"] == "length")
        except (KeyError, TypeError, ValueError) as error:
            raise NotMeasured(f"a chat completion without its text: {error!r}") from error

    async def completions(
        self, model: EvaluatedModel, prompts: Sequence[Sequence[int]], **asked: object
    ) -> list[dict[str, Any]]:
        """One token after each prompt, given in token ids, with what else is asked about it.

        Raises:
            NotMeasured: There is no choice for one of the prompts, or another version gave them.
        """
        body = {
            "model": model.name,
            "prompt": [list(prompt) for prompt in prompts],
            "max_tokens": 1,
            "temperature": 0,
            **asked,
        }
        found = await self._asked("POST", "/v1/completions", body, digest=model.digest)
        try:
            by_index = {int(choice["index"]): choice for choice in found["choices"]}
            return [by_index[index] for index in range(len(prompts))]
        except (KeyError, TypeError, ValueError) as error:
            because = f"a completion of {len(prompts)} prompts without as many choices"
            raise NotMeasured(f"{because}: {error!r}") from error

    async def _asked(
        self, method: str, path: str, body: object, *, digest: str | None
    ) -> dict[str, Any]:
        answer = await self._sent(method, path, body)
        if answer.status_code >= 400:
            said = " ".join(answer.text.split())[:_SHOWN]
            raise NotMeasured(f"{self.url}{path} answered {answer.status_code}: {said}")
        if digest is not None and answer.headers.get("x-medley-digest") != digest:
            found = answer.headers.get("x-medley-digest", "nothing")
            raise NotMeasured(f"asked for {digest}, and {found} answered: another registry's?")
        try:
            found = answer.json()
        except ValueError as error:
            raise NotMeasured(f"{self.url}{path} did not answer in JSON") from error
        if not isinstance(found, dict):
            raise NotMeasured(f"{self.url}{path} did not answer with a JSON object")
        return found

    async def _sent(self, method: str, path: str, body: object) -> "httpx.Response":
        import httpx

        broken = (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout)
        for pause_s in self._pauses_s:
            try:
                return await self._client.request(method, path, json=body)
            except broken:
                await asyncio.sleep(pause_s)
            except httpx.HTTPError as error:
                raise NotMeasured(f"{self.url}{path}: {error!r}") from error
        try:
            return await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise NotMeasured(f"{self.url}{path}: {error!r}") from error
