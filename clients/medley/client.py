"""The client that blocks: it sends calls over one pool of connections."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, overload

from medley import chat_calls, document_calls, server_calls
from medley.adapters import Adapters
from medley.calls import Attempt, Call, Flow, Opening, Pause, Step, get
from medley.chats import ChatAnswer, ChatOptions, Messages
from medley.document_calls import AnalyzeOptions, ExtractOptions
from medley.documents import DocumentSource
from medley.errors import MedleyError
from medley.exchange import PIECE_BYTES, Place, answer_in, is_refused, refusal_in
from medley.jobs import Jobs
from medley.retrying import opening, sending
from medley.server_calls import Health, ListedModel
from medley.streams import TextStream

if TYPE_CHECKING:
    import httpx

    from medley.results import Extraction, Job

T = TypeVar("T")


class Client:
    """Calls one Medley server; safe to share between threads.

    A context manager, which closes the connections. Every method raises a `MedleyError`.

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
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        """Nothing is sent before the first call.

        Args:
            base_url: the server's address; else `MEDLEY_URL`, else this machine's port 8000.
            api_key: an access key; else `MEDLEY_API_KEY`; none where the server asks for none.
            timeout_s: how long the server may be silent.
            attempts: how often a call may be sent, if it may be sent again at all.
            transport: what carries requests instead of the network (`medley.testing`).
        """
        import httpx

        self._place = Place.of(base_url, api_key=api_key, timeout_s=timeout_s, attempts=attempts)
        self._http = httpx.Client(**self._place.settings, transport=transport)
        self.base_url = self._place.url
        self.adapters = Adapters(self)
        self.jobs = Jobs(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        self._http.close()

    @overload
    def extract(
        self, file: DocumentSource, *, wait: Literal[False], **options: Unpack[ExtractOptions]
    ) -> "Job": ...

    @overload
    def extract(
        self, file: DocumentSource, *, wait: Literal[True] = ..., **options: Unpack[ExtractOptions]
    ) -> "Extraction": ...

    def extract(
        self, file: DocumentSource, *, wait: bool = True, **options: Unpack[ExtractOptions]
    ) -> "Extraction | Job":
        """What a document says, each value with the place where it was read.

        A lost answer is asked for again under the same key, so nothing runs twice. Where the
        server makes a job of it, that is waited for.

        Args:
            file: a path, bytes, or a file open for bytes; it is sent as it is read.
            wait: False: as a job, which is given at once; `jobs.wait` has the result.
            options: see `ExtractOptions`.

        Raises:
            StillRunning: it is not done within `timeout_s`; has the job.
        """
        return self.run(document_calls.extracting(file, wait=wait, options=options))

    @overload
    def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: Literal[True],
        **options: Unpack[AnalyzeOptions],
    ) -> TextStream: ...

    @overload
    def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: Literal[False] = ...,
        **options: Unpack[AnalyzeOptions],
    ) -> ChatAnswer: ...

    def analyze(
        self,
        file: DocumentSource,
        prompt: str,
        *,
        stream: bool = False,
        **options: Unpack[AnalyzeOptions],
    ) -> ChatAnswer | TextStream:
        """What a free prompt over a document is answered; with `stream`, piece by piece."""
        call = document_calls.analyze(file, prompt, stream=stream, options=options)
        if stream:
            return self._open_text(call)
        return self.send(call)

    @overload
    def chat(
        self,
        messages: Messages,
        model: str | None = ...,
        *,
        stream: Literal[True],
        **options: Unpack[ChatOptions],
    ) -> TextStream: ...

    @overload
    def chat(
        self,
        messages: Messages,
        model: str | None = ...,
        *,
        stream: Literal[False] = ...,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer: ...

    def chat(
        self,
        messages: Messages,
        model: str | None = None,
        *,
        stream: bool = False,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer | TextStream:
        """What a model answers; with `stream`, piece by piece.

        Args:
            messages: OpenAI's, or the text of the one that a user says.
            model: a reference such as `name`, `name@alias` or `name:7`; None is the base.
            stream: whether the pieces are given as they come. Leave the stream's `with` block
                to stop the answer.
            options: see `ChatOptions`.
        """
        call = chat_calls.chat(messages, model, stream=stream, options=options)
        if stream:
            return self._open_text(call)
        return self.send(call)

    def models(self) -> tuple[ListedModel, ...]:
        """What can be asked: the base, then each alias and version."""
        return self.send(server_calls.models())

    def health(self) -> Health:
        """How the server is; a dead engine is an answer too, and no error."""
        return self.send(server_calls.health())

    def benchmark(self) -> Mapping[str, Any]:
        """The engine's memory, and what was measured of its versions (docs/http.md)."""
        return self.send(server_calls.benchmark())

    def send(self, call: Call[T]) -> T:
        """The result of a call, which is tried again where that is safe.

        Raises:
            MedleyError: there is none.
        """
        return self.run(sending(call, attempts=self._place.attempts))

    def run(self, flow: Flow[T]) -> T:
        """What a flow comes to, its steps carried out one after the other.

        Raises:
            MedleyError: a step failed, and the flow did not know better.
        """
        try:
            step = next(flow)
            while True:
                try:
                    outcome = self._do(step)
                except MedleyError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    @contextmanager
    def stream(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes at a path, as they come in.

        Raises:
            MedleyError: there are none, or they broke off.
        """
        response = self._open(get(path, lambda answer: answer.body))
        try:
            with self._place.failures():
                yield response.iter_bytes(PIECE_BYTES)
        finally:
            response.close()

    def _do(self, step: Step) -> Any:
        match step:
            case Pause(seconds):
                return time.sleep(seconds)
            case Opening(call):
                return self._open(call)
            case Call():
                return self.send(step)
            case Attempt(call):
                response = self._open(call)
        try:
            with self._place.failures():
                response.read()
        finally:
            response.close()
        return answer_in(response)

    def _open(self, call: Call[Any]) -> "httpx.Response":
        with self._place.request(call) as request, self._place.failures():
            response = self._http.send(self._http.build_request(**request), stream=True)
            if not is_refused(response, call):
                return response
            try:
                response.read()
            finally:
                response.close()
        raise refusal_in(response)

    def _open_text(self, call: Call[Any]) -> TextStream:
        response = self.run(opening(call, attempts=self._place.attempts))
        return TextStream(response, failures=self._place.failures)
