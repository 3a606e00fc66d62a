"""Requests, how their answers are read, and what is done between them, without sending any.

What takes more than one request is a `Flow`: a generator that yields the steps and gets back what
came of each. `Client` and `AsyncClient` both carry out steps, each in its own way, so that nothing
of what a step means is written twice.
"""

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from medley.answers import Answer
from medley.documents import Document

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and what to make of the answer.

    Attributes:
        method: of HTTP.
        path: below the server's address; its parts are quoted.
        read: turns the answer into a result.
        query: what follows the path; None leaves a name out.
        headers: besides those of the client.
        body: sent as JSON; None sends nothing.
        files: parts of a form that come from files, by name; `body` holds its other fields then.
        is_repeatable: whether it may be sent again when nobody knows what became of it.
        accepts: statuses besides 2xx that are no refusals.
        timeout_s: how long the server may be silent; None is the client's own.
    """

    method: str
    path: str
    read: Callable[[Answer], T]
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    files: Mapping[str, Document] = field(default_factory=dict)
    is_repeatable: bool = False
    accepts: frozenset[int] = frozenset()
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call sent once; comes to its `Answer`."""

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """The same, done as soon as the answer's headers are there; comes to an open stream."""

    call: Call[Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is done for so many seconds."""

    seconds: float


Step: TypeAlias = Call[Any] | Attempt | Opening | Pause
Flow: TypeAlias = Generator[Step, Any, T]
"""Yields steps, and is sent what each comes to, or thrown the `MedleyError` it ended in.

A `Call` as a step is sent as often as that is safe, and comes to its result.
"""


class Sender(Protocol):
    """What sends calls, and is a `Client`."""

    def send(self, call: Call[T]) -> T: ...

    def run(self, flow: Flow[T]) -> T: ...

    def stream(self, path: str) -> AbstractContextManager[Iterator[bytes]]: ...


class AsyncSender(Protocol):
    """What sends calls without blocking, and is an `AsyncClient`."""

    async def send(self, call: Call[T]) -> T: ...

    async def run(self, flow: Flow[T]) -> T: ...

    def stream(self, path: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...


def get(
    path: str, read: Callable[[Answer], T], query: Mapping[str, str | int | None] | None = None
) -> Call[T]:
    """A call that changes nothing."""
    return Call(method="GET", path=path, read=read, query=query or {}, is_repeatable=True)
