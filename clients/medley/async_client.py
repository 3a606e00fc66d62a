"""The client that does not block, for programs that run on asyncio."""

from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, overload

from medley import chat_calls, document_calls, server_calls
from medley.async_adapters import AsyncAdapters
from medley.calls import Attempt, Call, Flow, Opening, Pause, Step, get
from medley.chats import ChatAnswer, ChatOptions, Messages
from medley.document_calls import AnalyzeOptions, ExtractOptions
from medley.documents import DocumentSource
from medley.errors import MedleyError
from medley.exchange import PIECE_BYTES, Place, answer_in, is_refused, refusal_in
from medley.jobs import AsyncJobs
from medley.retrying import opening, sending
from medley.server_calls import Health, ListedModel
from medley.streams import AsyncTextStream

if TYPE_CHECKING:
    import httpx

    from medley.results import Extraction, Job

T = TypeVar("T")


class AsyncClient:
    """`Client` with the same methods, awaited; every one raises a `MedleyError`.

    An asynchronous context manager, which closes the connections. One belongs to one event loop.

    Attributes:
        adapters: what the registry holds.
        jobs: extractions that go on after the answer.
        base_url: the server's address.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        attempts: int = 3,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        """See `Client`."""
        import httpx

        self._place = Place.of(base_url, api_key=api_key, timeout_s=timeout_s, attempts=attempts)
        self._http = httpx.AsyncClient(**self._place.settings, transport=transport)
        self.base_url = self._place.url
        self.adapters = AsyncAdapters(self)
        self.jobs = AsyncJobs(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self.base_url!r})"

    async def aclose(self) -> None:
        await self._http.aclose()

    @overload
    async def extract(
        self, file: DocumentSource, *, wait: Literal[False], **options: Unpack[ExtractOptions]
    ) -> "Job": ...

    @overload
    async def extract(
        self, file: DocumentSource, *, wait: Literal[True] = ..., **options: Unpack[ExtractOptions]
    ) -> "Extraction": ...

    async def extract(
        self, file: DocumentSource, *, wait: bool = True, **options: Unpack[ExtractOptions]
    ) -> "Extraction | Job":
        """See `Client.extract`. Cancelling it stops to wait, and does not stop a job."""
        return await self.run(document_calls.extracting(file, wait=wait, options=options))

    @overload
    async def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: Literal[True],
        **options: Unpack[AnalyzeOptions],
    ) -> AsyncTextStream: ...

    @overload
    async def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: Literal[False] = ...,
        **options: Unpack[AnalyzeOptions],
    ) -> ChatAnswer: ...

    async def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: bool = False,
        **options: Unpack[AnalyzeOptions],
    ) -> ChatAnswer | AsyncTextStream:
        """See `Client.analyze`; with `stream`, use what it gives with `async with`."""
        call = document_calls.analyze(file, prompt, stream=stream, options=options)
        if stream:
            return await self._open_text(call)
        return await self.send(call)

    @overload
    async def chat(
        self,
        messages: Messages,
        model: str | None = ...,
        *,
        stream: Literal[True],
        **options: Unpack[ChatOptions],
    ) -> AsyncTextStream: ...

    @overload
    async def chat(
        self,
        messages: Messages,
        model: str | None = ...,
        *,
        stream: Literal[False] = ...,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer: ...

    async def chat(
        self,
        messages: Messages,
        model: str | None = None,
        *,
        stream: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer | AsyncTextStream:
        """See `Client.chat`; with `stream`, use what it gives with `async with`."""
        call = chat_calls.chat(messages, model, stream=stream, options=options)
        if stream:
            return await self._open_text(call)
        return await self.send(call)

    async def models(self) -> tuple[ListedModel, ...]:
        """See `Client.models`."""
        return await self.send(server_calls.models())

    async def health(self) -> Health:
        """See `Client.health`."""
        return await self.send(server_calls.health())

    async def benchmark(self) -> Mapping[str, Any]:
        """See `Client.benchmark`."""
        return await self.send(server_calls.benchmark())

    async def send(self, call: Call[T]) -> T:
        """See `Client.send`."""
        return await self.run(sending(call, attempts=self._place.attempts))

    async def run(self, flow: Flow[T]) -> T:
        """See `Client.run`."""
        try:
            step = next(flow)
            while True:
                try:
                    outcome = await self._do(step)
                except MedleyError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Client.stream`."""
        response = await self._open(get(path, lambda answer: answer.body))
        try:
            with self._place.failures():
                yield response.aiter_bytes(PIECE_BYTES)
        finally:
            await response.aclose()

    async def _do(self, step: Step) -> Any:
        match step:
            case Pause(seconds):
                return await sleep(seconds)
            case Opening(call):
                return await self._open(call)
            case Call():
                return await self.send(step)
            case Attempt(call):
                response = await self._open(call)
        try:
            with self._place.failures():
                await response.aread()
        finally:
            await response.aclose()
        return answer_in(response)

    async def _open(self, call: Call[Any]) -> "httpx.Response":
        with self._place.request(call) as request, self._place.failures():
            response = await self._http.send(self._http.build_request(**request), stream=True)
            if not is_refused(response, call):
                return response
            try:
                await response.aread()
            finally:
                await response.aclose()
        raise refusal_in(response)

    async def _open_text(self, call: Call[Any]) -> AsyncTextStream:
        response = await self.run(opening(call, attempts=self._place.attempts))
        return AsyncTextStream(response, failures=self._place.failures)
