"""`golden.json`: how a version answers, as its publisher measured it, for whoever serves it.

::

    {"schema": 1, "tolerance": 0.1,
     "prompts": [{"prompt": "...", "answer": "...", "tokens": 12, "logprob": -0.41}]}

``prompt`` is the whole text before the answer, the base's chat template applied; ``tokens`` says of
how many tokens the answer is when it is tokenized by itself, with none added, and ``logprob`` is
their mean log-probability after the prompt, in nats. Whoever measures another mean than this,
beyond ``tolerance``, does not have the model that was published.

The file is one of the version's: its digest and its signatures cover it.
"""

from dataclasses import dataclass

from medley_registry.canonical import Json, canonical_json
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

GOLDEN_LIMIT_BYTES = 256 << 10
MOST_PROMPTS = 16
MOST_TOKENS = 1024
"""Of one answer."""
MAX_TOLERANCE = 2.0
"""Nats per token; beyond it a model that writes at random could pass."""
_SCHEMA = 1
_ROOT_KEYS = frozenset({"schema", "prompts", "tolerance"})
_PROMPT_KEYS = frozenset({"prompt", "answer", "tokens", "logprob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenPrompt:
    """One answer, and what the publisher's model thought of it.

    Attributes:
        prompt: the text before the answer, in full.
        answer: the text that was scored.
        tokens: how many tokens that is.
        logprob: the mean of their log-probabilities.
    """

    prompt: str
    answer: str
    tokens: int
    logprob: float


@dataclass(frozen=True, slots=True)
class GoldenPrompts:
    """What `golden.json` says; ``tolerance`` is in nats per token, on the base as it stands."""

    prompts: tuple[GoldenPrompt, ...]
    tolerance: float

    def to_json(self) -> bytes:
        """The file; `parse_golden` reads it back."""
        prompts: list[Json] = [
            {
                "prompt": one.prompt,
                "answer": one.answer,
                "tokens": one.tokens,
                "logprob": one.logprob,
            }
            for one in self.prompts
        ]
        return canonical_json({"schema": _SCHEMA, "prompts": prompts, "tolerance": self.tolerance})


def parse_golden(data: bytes) -> GoldenPrompts:
    """Read the file strictly: every field, no other, each within its range.

    Raises:
        AdmissionRefused: by the rules ``golden-json``, ``golden-duplicate``, ``golden-keys`` and
            ``golden-value``.
    """
    root = parse_object(data, what="golden")
    _check_keys(root, _ROOT_KEYS)
    if root["schema"] != _SCHEMA or isinstance(root["schema"], bool):
        raise _wrong("schema", root["schema"], because=f"only schema {_SCHEMA} is known")
    rows = root["prompts"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_PROMPTS:
        raise _wrong("prompts", type(rows).__name__, because=f"a list of 1 to {MOST_PROMPTS}")
    tolerance = _number(root, "tolerance")
    if not 0 < tolerance <= MAX_TOLERANCE:
        raise _wrong("tolerance", tolerance, because=f"above 0, at most {MAX_TOLERANCE}")
    return GoldenPrompts(tuple(_prompt(row) for row in rows), tolerance)


def _prompt(row: Json) -> GoldenPrompt:
    if not isinstance(row, dict):
        raise _wrong("prompts", type(row).__name__, because="each is an object")
    _check_keys(row, _PROMPT_KEYS)
    tokens = row["tokens"]
    if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MOST_TOKENS:
        raise _wrong("tokens", tokens, because=f"a whole number, 1 to {MOST_TOKENS}")
    logprob = _number(row, "logprob")
    if logprob > 0:
        raise _wrong("logprob", logprob, because="a logarithm of a probability is not above 0")
    return GoldenPrompt(
        prompt=_text(row, "prompt"), answer=_text(row, "answer"), tokens=tokens, logprob=logprob
    )


def _check_keys(found: dict[str, Json], wanted: frozenset[str]) -> None:
    if found.keys() != wanted:
        odd = sorted(found.keys() ^ wanted)
        raise AdmissionRefused(
            "golden-keys", odd, because=f"the keys are {', '.join(sorted(wanted))}"
        )


def _number(found: dict[str, Json], key: str) -> float:
    value = found[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(key, value, because="a number")
    return float(value)


def _text(found: dict[str, Json], key: str) -> str:
    value = found[key]
    if not isinstance(value, str) or not value:
        raise _wrong(key, value, because="a text that is not empty")
    return value


def _wrong(key: str, value: object, *, because: str) -> AdmissionRefused:
    return AdmissionRefused("golden-value", f"{key}: {value}", because=because)
