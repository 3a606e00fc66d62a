"""Prompts with what must hold of their answers: the golden set of a suite of regressions.

One line of a file is one prompt::

    {"id": "dose-1", "prompt": "…", "must_contain": ["0.5 mg"], "max_chars": 400}
"""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from medley_training.errors import BadSource

BUILT_IN = "golden.jsonl"
MAX_TOKENS = 160


class GoldenPrompt(BaseModel):
    """A prompt and its demands. Letters' case does not count, but in a regular expression it does.

    Attributes:
        id: No two prompts have the same.
        prompt: What the user says; else `messages`, a chat that ends with the user.
        site: Whose prompt it is, where metrics are wanted for each site.
        must_contain: Each of these stands in the answer; of a list inside the list, any one.
        must_not_contain: None of these does.
        regex: Is found in the answer.
        is_json: The whole answer is JSON.
        max_tokens: An answer ends here at the latest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=200)
    prompt: str | None = None
    messages: tuple[dict[str, str], ...] = ()
    site: str = ""
    must_contain: tuple[str | tuple[str, ...], ...] = ()
    must_not_contain: tuple[str, ...] = ()
    regex: str | None = None
    min_chars: int = 1
    max_chars: int | None = None
    is_json: bool = False
    max_tokens: PositiveInt = MAX_TOKENS

    @model_validator(mode="after")
    def _check(self) -> "GoldenPrompt":
        if (self.prompt is None) == (not self.messages):
            raise ValueError("give either a prompt or messages")
        if any(set(message) != {"role", "content"} for message in self.messages):
            raise ValueError("a message has a role and a content")
        try:
            re.compile(self.regex or "")
        except re.error as error:
            raise ValueError(f"regex: {error}") from error
        return self

    @property
    def chat(self) -> tuple[dict[str, str], ...]:
        """The messages to answer."""
        if self.prompt is None:
            return self.messages
        return ({"role": "user", "content": self.prompt},)

    def broken_by(self, answer: str) -> list[str]:
        """The demands that an answer does not meet, in words; empty if it passes."""
        text = answer.casefold()
        wanted = [(any_of,) if isinstance(any_of, str) else any_of for any_of in self.must_contain]
        broken = [
            f"lacks {' or '.join(map(repr, any_of))}"
            for any_of in wanted
            if not any(each.casefold() in text for each in any_of)
        ]
        broken += [f"has {each!r}" for each in self.must_not_contain if each.casefold() in text]
        if self.regex is not None and not re.search(self.regex, answer):
            broken.append(f"does not match {self.regex!r}")
        if len(answer.strip()) < self.min_chars:
            broken.append(f"is shorter than {self.min_chars} characters")
        if self.max_chars is not None and len(answer) > self.max_chars:
            broken.append(f"is longer than {self.max_chars} characters")
        if self.is_json and not _is_json(answer):
            broken.append("is not JSON")
        return broken


def golden_prompts(path: Path | None) -> tuple[GoldenPrompt, ...]:
    """The prompts of a file, or those that ship with Medley.

    Raises:
        BadSource: It cannot be read, or a line is no prompt; the message has ``file:line``.
    """
    name = str(path) if path else BUILT_IN
    try:
        text = (path or files("medley_training.suites") / BUILT_IN).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSource(f"{name} cannot be read: {error}") from error
    found: dict[str, GoldenPrompt] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            prompt = _prompt(line, f"{name}:{number}")
            if prompt.id in found:
                raise BadSource(f"{name}:{number}: there is another prompt {prompt.id!r}")
            found[prompt.id] = prompt
    if not found:
        raise BadSource(f"{name} holds no prompts")
    return tuple(found.values())


def _prompt(line: str, where: str) -> GoldenPrompt:
    try:
        return GoldenPrompt.model_validate_json(line)
    except ValidationError as error:
        first: Any = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadSource(f"{where}: {place + ': ' if place else ''}{first['msg']}") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
