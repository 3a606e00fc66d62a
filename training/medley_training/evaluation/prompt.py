"""A chat's last completion and what comes before it, as tokens."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from medley_training.data.examples import Example, Message
from medley_training.data.formatting import (
    IGNORED_LABEL,
    ChatTokenizer,
    TokenizedExample,
    tokenize_example,
)

_NO_LIMIT = 2**31


class Tokenizer(ChatTokenizer, Protocol):
    """The part of a transformers tokenizer that evaluation needs."""

    @property
    def pad_token_id(self) -> int | None:
        """The token that fills short rows; some bases have none."""
        ...

    def decode(self, token_ids: Any, *, skip_special_tokens: bool) -> Any:
        """The text of token ids."""
        ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids up to where the assistant's last turn begins, and those of its completion."""

    token_ids: tuple[int, ...]
    completion: tuple[int, ...]


def prompt_of(example: Example, tokenizer: ChatTokenizer, *, answer: str | None = None) -> Prompt:
    """The last completion of a chat and its prompt, uncut.

    Args:
        example: The chat.
        tokenizer: The base model's, with its chat template.
        answer: What the assistant says in the end instead.

    Raises:
        UnsupportedTemplate: The template rewrites earlier turns.
    """
    last = max(i for i, message in enumerate(example.messages) if message.role == "assistant")
    content = example.messages[last].content if answer is None else answer
    chat = replace(example, messages=(*example.messages[:last], Message("assistant", content)))
    return _split(tokenize_example(chat, tokenizer, max_tokens=_NO_LIMIT))


def padding_of(tokenizer: Tokenizer) -> int:
    """The token to pad with: what it is does not matter, for it is never attended to."""
    pad = tokenizer.pad_token_id
    return tokenizer.eos_token_id or 0 if pad is None else pad


def _split(tokenized: TokenizedExample) -> Prompt:
    end = max(i for i, label in enumerate(tokenized.labels) if label != IGNORED_LABEL) + 1
    before = [i for i in range(end) if tokenized.labels[i] == IGNORED_LABEL]
    start = before[-1] + 1 if before else 0
    return Prompt(tokenized.input_ids[:start], tokenized.input_ids[start:end])
