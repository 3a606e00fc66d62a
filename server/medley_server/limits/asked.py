"""What a request asks of the engine, read from its body before the engine sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from medley_server.errors import BadRequest
from medley_server.limits.table import KeyLimits

_BYTES_PER_TOKEN = 4
_USUAL_ANSWER = 256
"""Tokens put aside for an answer whose length nobody bounds; what it had is counted after it."""

_ANSWERS_END: Mapping[str, tuple[str, ...]] = {
    "/v1/chat/completions": ("max_completion_tokens", "max_tokens"),
    "/v1/completions": ("max_tokens",),
    "/v1/responses": ("max_output_tokens",),
}
"""Routes that generate, and how their requests bound an answer; the first that is said holds."""
_WITH_A_DEFAULT = "/v1/completions"
"""Where an answer is short if nothing is said (OpenAI's 16 tokens)."""

_ASKED_FOR = ("messages", "prompt", "input", "instructions", "tools")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request may cost.

    Attributes:
        answers: sequences that the engine generates; 0 where it generates none.
        n: answers to each prompt.
        bound: the request's own field that bounds an answer; None if it has none.
        usual_bound: the field that could.
        max_tokens: of one answer, where the request bounds it.
        prompt_tokens: an estimate: a quarter of the text's bytes; a picture counts for nothing.
    """

    answers: int = 0
    n: int = 1
    bound: str | None = None
    usual_bound: str | None = None
    max_tokens: int | None = None
    prompt_tokens: int = 0

    @classmethod
    def of(cls, path: str, request: Mapping[str, Any]) -> Self:
        """What a request to a route asks for.

        Raises:
            BadRequest: a number of it is none.
        """
        fields = _ANSWERS_END.get(path)
        if fields is None:
            return cls()
        n = _count(request, "n") or 1
        said = [(field, count) for field in fields if (count := _count(request, field))]
        bound, max_tokens = said[0] if said else (None, None)
        return cls(
            answers=n * _prompts(request.get("prompt")),
            n=n,
            bound=bound,
            usual_bound=None if path == _WITH_A_DEFAULT else fields[-1],
            max_tokens=max_tokens,
            prompt_tokens=sum(estimated_tokens(request.get(field)) for field in _ASKED_FOR),
        )

    @property
    def tokens(self) -> int:
        """What to put aside for it."""
        return self.prompt_tokens + self.answers * (self.max_tokens or _USUAL_ANSWER)

    def check(self, limits: KeyLimits) -> None:
        """Lets it pass if each of its numbers is within the limits.

        Raises:
            BadRequest: one is not; names the number and the limit.
        """
        if self.n > limits.n:
            raise BadRequest(f"`n` is {self.n}; this key may ask for {limits.n} answers at most.")
        if objection := limits.objection(str(self.bound), self.max_tokens):
            raise BadRequest(objection)

    def check_room(self, most: int) -> None:
        """Lets it pass if the engine can generate its answers side by side.

        Raises:
            BadRequest: they are more than `most`.
        """
        if self.answers > most:
            raise BadRequest(
                f"The request asks for {self.answers} answers (its prompts, `n` times each); this "
                f"server generates {most} at a time at most."
            )

    def bounded(self, request: dict[str, Any], limits: KeyLimits) -> dict[str, Any]:
        """The request, with the key's bound on an answer if it has none of its own."""
        if limits.max_tokens is None or self.bound is not None or self.usual_bound is None:
            return request
        return request | {self.usual_bound: limits.max_tokens}


def _count(request: Mapping[str, Any], field: str) -> int:
    """A number of a request; 0 if it says none. vLLM would also take text for it."""
    value = request.get(field)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest(f"`{field}` must be a whole number.")
    return max(value, 0)


def _prompts(prompt: Any) -> int:
    """`prompt` is one text or one list of token ids, or several of either."""
    several = isinstance(prompt, list) and prompt and isinstance(prompt[0], (str, list))
    return len(prompt) if several else 1


def estimated_tokens(value: Any) -> int:
    """A quarter of the bytes of all text in some JSON; pictures count for nothing.

    Half a surrogate pair counts, too.
    """
    count, left = 0, [value]  # a stack, since a request may be deeper than Python's
    while left:
        one = left.pop()
        if isinstance(one, str):
            if not one.startswith("data:"):
                count += len(one.encode("utf-8", "surrogatepass")) // _BYTES_PER_TOKEN + 1
        elif isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            left.extend(one.values())
        else:
            count += isinstance(one, int)
    return count
