"""What the engine is asked, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from medley.results import ServedModel
from medley_registry import Version

from medley_server.traffic import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """One immutable version, or the base itself, for as long as it is held.

    Attributes:
        engine_name: What the engine calls it.
        reference: What callers call it.
        served: What an answer says of it.
        salt: Keeps the engine's cached prefixes of one version from another's.
        version: Which it is; None for the base.
        copied: Is told of each whole answer, so that a shadow can be asked the same.
    """

    engine_name: str
    reference: str
    served: ServedModel
    salt: str | None = None
    version: Version | None = None
    copied: Callable[[Exchange], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to the engine.

    Attributes:
        messages: As of OpenAI's chat completions.
        schema: What the answer has to be, in the terms that `grammar_of` takes; None for free text.
        copied_from: The text that the answer's strings are pieces of; empty where they are free.
        wants_logprobs: Whether the answer comes with the probability of each token.
    """

    model: Pinned
    messages: tuple[Mapping[str, Any], ...]
    max_tokens: int
    schema: Mapping[str, Any] | None = None
    copied_from: str = ""
    temperature: float = 0.0
    wants_logprobs: bool = False


class Token(NamedTuple):
    """A token as the engine wrote it, with the natural logarithm of its probability."""

    text: str
    logprob: float


class Timing(NamedTuple):
    """How long a request took inside the engine, in milliseconds; 0 where it does not tell."""

    queue: float = 0.0
    prefill: float = 0.0
    decode: float = 0.0


UNTIMED = Timing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """An answer.

    Attributes:
        is_whole: False where the budget of tokens ended it.
        tokens: In order; empty unless asked for.
    """

    text: str
    is_whole: bool
    tokens: tuple[Token, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    timing: Timing = UNTIMED


class Size(NamedTuple):
    """How long a question is, and how long a question and its answer may be together."""

    tokens: int
    limit: int
