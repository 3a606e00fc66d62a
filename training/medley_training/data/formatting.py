"""Chats to tokens through the base model's own chat template, with completion-only labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medley_training.data.examples import Example, Message
from medley_training.errors import NothingToLearn, UnsupportedTemplate

IGNORED_LABEL = -100
"""Marks a position that adds nothing to the loss (`ignore_index` of torch's cross entropy)."""


class ChatTokenizer(Protocol):
    """The part of a transformers tokenizer that formatting needs."""

    @property
    def eos_token_id(self) -> int | None:
        """The token that ends a turn."""
        ...

    def apply_chat_template(
        self,
        conversation: list[dict[str, str]],
        *,
        tokenize: bool,
        add_generation_prompt: bool,
        return_dict: bool,
    ) -> Any:
        """Render a conversation to token ids."""
        ...


@dataclass(frozen=True, slots=True)
class TokenizedExample:
    """Token ids and, for each, the label: the same id inside a completion, else `IGNORED_LABEL`."""

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def num_completion_tokens(self) -> int:
        """How many positions are learnt from."""
        return sum(label != IGNORED_LABEL for label in self.labels)


def tokenize_example(
    example: Example, tokenizer: ChatTokenizer, *, max_tokens: int
) -> TokenizedExample:
    """Render a chat as the model will see it and label its completions.

    A completion is an assistant turn's content and its end-of-turn token: not the role header
    before it, and not what the template puts between turns.

    Args:
        example: The chat.
        tokenizer: The base model's tokenizer, with its chat template.
        max_tokens: Tokens past this many are cut off.

    Raises:
        NothingToLearn: No completion is left inside `max_tokens`.
        UnsupportedTemplate: The template rewrites earlier turns.
    """
    input_ids = _render(example.messages, tokenizer)
    labels = [IGNORED_LABEL] * len(input_ids)
    for index, message in enumerate(example.messages):
        if message.role == "assistant":
            start, end = _completion_span(example.messages, index, tokenizer, input_ids)
            labels[start:end] = input_ids[start:end]
    tokenized = TokenizedExample(tuple(input_ids[:max_tokens]), tuple(labels[:max_tokens]))
    if tokenized.num_completion_tokens == 0:
        raise NothingToLearn(f"no completion within the first {max_tokens} tokens of an example")
    return tokenized


def _completion_span(
    messages: Sequence[Message], index: int, tokenizer: ChatTokenizer, input_ids: list[int]
) -> tuple[int, int]:
    before = _render(messages[:index], tokenizer, add_generation_prompt=True)
    through = _render(messages[: index + 1], tokenizer)
    if through[: len(before)] != before or input_ids[: len(through)] != through:
        raise UnsupportedTemplate("the chat template changes earlier turns as later ones are added")
    turn = through[len(before) :]
    if tokenizer.eos_token_id in turn:
        return len(before), len(before) + turn.index(tokenizer.eos_token_id) + 1
    return len(before), len(through)


def _render(
    messages: Sequence[Message], tokenizer: ChatTokenizer, *, add_generation_prompt: bool = False
) -> list[int]:
    rendered = tokenizer.apply_chat_template(
        [{"role": message.role, "content": message.content} for message in messages],
        tokenize=True,
        add_generation_prompt=add_generation_prompt,
        return_dict=False,
    )
    return list(rendered)
