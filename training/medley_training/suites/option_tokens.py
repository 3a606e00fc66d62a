"""The options of a question as tokens, behind what all of them share with the prompt."""

from collections.abc import Sequence
from itertools import takewhile

from medley_training.data.examples import Example
from medley_training.data.formatting import ChatTokenizer
from medley_training.errors import UnsupportedTemplate
from medley_training.evaluation.choices import ChoiceQuestion

MOST_JOINED = 4
"""How many of a prompt's last tokens may differ once an option follows: letters join into tokens
across the boundary. A template that changes more rewrites what came before."""


def served_question(
    example: Example, choices: Sequence[str], answer: int, *, tokenizer: ChatTokenizer
) -> ChoiceQuestion:
    """The question of a chat, each choice in the place of its last assistant turn.

    The prompt is the longest run of tokens that the prompt alone and the prompt with any of the
    options begin with; an option is what follows, up to and including the end of its turn. Where no
    token spans the boundary, that is what `evaluation.choices.choice_question` gives.

    Raises:
        UnsupportedTemplate: The template rewrites what comes before an answer.
    """
    last = max(i for i, message in enumerate(example.messages) if message.role == "assistant")
    chat = [{"role": m.role, "content": m.content} for m in example.messages[:last]]
    prompt = _rendered(tokenizer, chat, is_open=True)
    whole = [
        _rendered(tokenizer, [*chat, {"role": "assistant", "content": choice}], is_open=False)
        for choice in choices
    ]
    shared = common_prefix([prompt, *whole])
    if len(prompt) - shared > MOST_JOINED:
        raise UnsupportedTemplate("the chat template changes earlier turns as later ones are added")
    options = tuple(_turn(tokens[shared:], tokenizer.eos_token_id) for tokens in whole)
    return ChoiceQuestion(tuple(prompt[:shared]), options, answer)


def common_prefix(sequences: Sequence[Sequence[int]]) -> int:
    """How many tokens all begin with."""
    together = zip(*sequences, strict=False)
    return sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, together))


def _turn(tokens: Sequence[int], end: int | None) -> tuple[int, ...]:
    """The tokens up to the end of the turn; what the template puts between turns is left out."""
    return tuple(tokens[: tokens.index(end) + 1] if end in tokens else tokens)


def _rendered(tokenizer: ChatTokenizer, chat: list[dict[str, str]], *, is_open: bool) -> list[int]:
    rendered = tokenizer.apply_chat_template(
        chat, tokenize=True, add_generation_prompt=is_open, return_dict=False
    )
    return list(rendered)
