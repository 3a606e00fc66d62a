"""The table of limits: a default, and what single keys have instead."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medley_server.callers import Caller
from medley_server.errors import CannotStart

LIMITS = "medley.limits"
"""Where the scope of a document's request holds the limits of whoever sent it."""

MOST_ANSWERS = 32
"""Answers of one request where nothing is said: vLLM itself would take thousands."""

_Count = Annotated[int, Field(ge=1, strict=True)]


class KeyLimits(BaseModel):
    """What the requests of one key may be; None is without limit.

    Attributes:
        requests_per_minute: as many may come at once after a quiet minute.
        tokens_per_minute: of prompts and answers together.
        concurrent_requests: that have not been answered to the end.
        max_body_bytes: of one request; the server's own limit holds besides.
        n: answers of one request.
        max_tokens: of one answer; a request that does not say gets this many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    concurrent_requests: _Count | None = None
    max_body_bytes: _Count | None = None
    n: _Count = MOST_ANSWERS
    max_tokens: _Count | None = None

    def over(self, default: "KeyLimits") -> "KeyLimits":
        """These, and the default where nothing is said."""
        return default.model_copy(update={name: getattr(self, name) for name in self._said})

    def objection(self, field: str, tokens: int | None) -> str | None:
        """Why a request may not ask for so many tokens of an answer in that field; None: it may."""
        if self.max_tokens is None or (tokens or 0) <= self.max_tokens:
            return None
        return f"`{field}` is {tokens}; this key may ask for {self.max_tokens} at most."

    @property
    def _said(self) -> set[str]:
        return self.model_fields_set


class Limits(BaseModel):
    """The limits of every key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: KeyLimits = KeyLimits()
    keys: Mapping[str, KeyLimits] = Field(default_factory=dict)

    def of(self, caller: Caller) -> KeyLimits:
        """A caller's, by his key's id, else by its name, else the default."""
        for name in (caller.key_id, caller.key_name):
            if name in self.keys:
                return self.keys[name].over(self.default)
        return self.default


def read_limits(file: Path) -> Limits:
    """A table in TOML: `[default]`, and `[keys."name or id"]` for what differs from it.

    Raises:
        CannotStart: it cannot be read, or says what no limit is; names the line or the key.
    """
    try:
        told = tomllib.loads(file.read_text())
        return Limits.model_validate(told)
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CannotStart(f"--limits {file}: {place}: {first['msg']}") from error
    except (OSError, ValueError) as error:  # also what is no TOML, with its line
        raise CannotStart(f"--limits {file}: {error}") from error
