"""Requests and how their answers are read, without sending any: what every face shares."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and what to make of the answer.

    Attributes:
        method: of HTTP.
        path: below the server's address; its parts are quoted.
        read: turns the answer's JSON into a result.
        query: what follows the path; None leaves a name out.
        body: sent as JSON; None sends nothing.
        files: parts of a form that come from files, by name; `body` holds its other fields then.
        is_repeatable: whether it may be sent again when nobody knows what became of it.
        timeout_s: how long the server may be silent; None is the client's own.
    """

    method: str
    path: str
    read: Callable[[Any], T]
    query: Mapping[str, str | int | None] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    is_repeatable: bool = False
    timeout_s: float | None = None


class Sender(Protocol):
    """What sends calls, and is a `Client`."""

    def send(self, call: Call[T]) -> T: ...

    def stream(self, path: str) -> AbstractContextManager[Iterator[bytes]]: ...


def get(
    path: str, read: Callable[[Any], T], query: Mapping[str, str | int | None] | None = None
) -> Call[T]:
    """A call that changes nothing."""
    return Call(method="GET", path=path, read=read, query=query or {}, is_repeatable=True)
