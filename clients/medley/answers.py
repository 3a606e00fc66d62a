"""What came back, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from medley_registry.errors import RegistryError

from medley.errors import UnexpectedAnswer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that was no refusal.

    Attributes:
        status: of HTTP.
        headers: their names in lower case.
        body: read as JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


def reading(read: Callable[[Any], T]) -> Callable[[Answer], T]:
    """Let a function read what an answer says.

    Raises:
        UnexpectedAnswer: it cannot.
    """

    def guarded(answer: Answer) -> T:
        return guard(read, answer.body)

    return guarded


def listed(name: str, read: Callable[[Any], T]) -> Callable[[Answer], tuple[T, ...]]:
    """Read a list that stands under a name."""
    return reading(lambda value: tuple(read(one) for one in value[name]))


def guard(read: Callable[[Any], T], value: Any) -> T:
    """What a function makes of something that came from outside.

    Raises:
        UnexpectedAnswer: nothing.
    """
    try:
        return read(value)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RegistryError) as error:
        told = " ".join(repr(error).split())[:500]
        raise UnexpectedAnswer(f"the server's answer cannot be read: {told}") from error
