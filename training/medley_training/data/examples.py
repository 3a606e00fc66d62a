"""Training examples: chats, and the JSON-lines files that hold them.

One line is one chat::

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from medley_training.errors import BadExample

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """A chat to learn from; every assistant turn in it is a completion.

    Raises:
        ValueError: There is no message, or none by the assistant.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        if not any(message.role == "assistant" for message in self.messages):
            raise ValueError("a chat needs at least one assistant message to learn from")

    @classmethod
    def exchange(cls, prompt: str, completion: str) -> "Example":
        """A chat of one question and its answer."""
        return cls((Message("user", prompt), Message("assistant", completion)))

    def to_json(self) -> str:
        """The line that `load_examples` reads back as an equal example."""
        messages = [{"role": m.role, "content": m.content} for m in self.messages]
        return json.dumps({"messages": messages}, ensure_ascii=False)


def load_examples(path: Path) -> tuple[Example, ...]:
    """Read a JSON-lines file of chats; blank lines are skipped.

    Raises:
        BadExample: A line is not a chat; the message starts with ``file:line``.
        OSError: The file cannot be opened.
    """
    return tuple(example for _, example, _ in numbered_examples(path))


def numbered_examples(path: Path) -> Iterator[tuple[int, Example, dict[str, Any]]]:
    """The chats of a JSON-lines file with their line numbers and all that is on their lines.

    Raises:
        BadExample: A line is not a chat; the message starts with ``file:line``.
        OSError: The file cannot be opened.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8"))
                example = parse_example(value)
            except json.JSONDecodeError as error:
                raise BadExample(path, number, f"not JSON: {error.msg}") from error
            except UnicodeDecodeError as error:
                raise BadExample(path, number, "not UTF-8 text") from error
            except ValueError as error:
                raise BadExample(path, number, str(error)) from error
            yield number, example, value


def parse_example(value: object) -> Example:
    """The chat in a line's object, which may hold other fields.

    Raises:
        ValueError: it holds none.
    """
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        raise ValueError('expected an object with a list "messages"')
    return Example(tuple(_message(item) for item in value["messages"]))


def _message(value: object) -> Message:
    if not isinstance(value, dict):
        raise ValueError("a message must be an object")
    unknown = sorted(value.keys() - {"role", "content"})
    if unknown:
        raise ValueError(f"a message has no field {unknown[0]!r}")
    role, content = value.get("role"), value.get("content")
    if role not in get_args(Role):
        raise ValueError(f"unknown role {role!r}; expected one of {', '.join(get_args(Role))}")
    if not isinstance(content, str) or not content.strip():
        raise ValueError(f'the {role} message needs text in "content"')
    return Message(cast(Role, role), content)
