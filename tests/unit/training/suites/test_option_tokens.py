from typing import Any

import pytest
from medley_training.data.examples import Example
from medley_training.errors import UnsupportedTemplate
from medley_training.evaluation.choices import choice_question
from medley_training.suites.option_tokens import common_prefix, served_question

from tests.unit.training.chat_tokenizer import EOS, CharacterTokenizer, CountingTokenizer

CHOICES = ("yes", "no", "maybe")
EXAMPLE = Example.exchange("Is it so?", "no")
COLON, COLON_N = 12, 99


class JoiningTokenizer(CharacterTokenizer):
    """Has one token for the assistant's marker and an n, as a vocabulary may join letters."""

    def apply_chat_template(self, *args: Any, **given: Any) -> list[int]:
        tokens = super().apply_chat_template(*args, **given)
        for place in range(len(tokens) - 1):
            if tokens[place : place + 2] == [COLON, 20 + ord("n") % 100]:
                tokens[place : place + 2] = [COLON_N]
                break
        return tokens


def test_a_question_has_the_same_tokens_as_in_process() -> None:
    tokenizer = CharacterTokenizer()

    served = served_question(EXAMPLE, CHOICES, 1, tokenizer=tokenizer)

    assert served == choice_question(EXAMPLE, CHOICES, 1, tokenizer=tokenizer)
    assert all(option[-1] == EOS for option in served.options)


def test_a_token_across_the_boundary_belongs_to_every_option() -> None:
    tokenizer = JoiningTokenizer()

    served = served_question(EXAMPLE, CHOICES, 1, tokenizer=tokenizer)

    plain = choice_question(EXAMPLE, CHOICES, 1, tokenizer=CharacterTokenizer())
    assert served.prompt == plain.prompt[:-1]
    assert served.options[0] == (COLON, *plain.options[0])
    assert served.options[1] == (COLON_N, *plain.options[1][1:])
    assert served.options[2] == (COLON, *plain.options[2])


def test_a_template_that_rewrites_earlier_turns_is_refused() -> None:
    with pytest.raises(UnsupportedTemplate):
        served_question(EXAMPLE, CHOICES, 1, tokenizer=CountingTokenizer())


def test_the_common_prefix_ends_where_any_differs() -> None:
    assert common_prefix([[1, 2, 3], [1, 2], [1, 2, 4]]) == 2
    assert common_prefix([[1], [2]]) == 0
