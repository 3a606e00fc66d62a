import pytest
from medley_training.data.examples import Example, Message
from medley_training.data.formatting import IGNORED_LABEL, tokenize_example
from medley_training.errors import NothingToLearn, UnsupportedTemplate

from tests.unit.training.chat_tokenizer import EOS, CharacterTokenizer, CountingTokenizer

A, B, C, D = (20 + ord(letter) % 100 for letter in "abcd")
NEWLINE, USER, ASSISTANT = 3, 11, 12
X = IGNORED_LABEL


def test_only_the_answer_and_its_end_are_labelled() -> None:
    tokenized = tokenize_example(Example.exchange("ab", "cd"), CharacterTokenizer(), max_tokens=99)

    assert tokenized.input_ids == (USER, A, B, EOS, NEWLINE, ASSISTANT, C, D, EOS, NEWLINE)
    assert tokenized.labels == (X, X, X, X, X, X, C, D, EOS, X)
    assert tokenized.num_completion_tokens == 3


def test_every_answer_of_a_longer_chat_is_labelled() -> None:
    chat = Example(
        (
            Message("system", "a"),
            Message("user", "b"),
            Message("assistant", "c"),
            Message("user", "b"),
            Message("assistant", "d"),
        )
    )

    tokenized = tokenize_example(chat, CharacterTokenizer(), max_tokens=99)

    learnt = [label for label in tokenized.labels if label != X]
    assert learnt == [C, EOS, D, EOS]


def test_labels_reach_the_end_of_a_turn_without_an_end_token() -> None:
    tokenizer = CharacterTokenizer()
    tokenizer.eos_token_id = None

    tokenized = tokenize_example(Example.exchange("a", "c"), tokenizer, max_tokens=99)

    assert tokenized.labels == (X, X, X, X, X, C, EOS, NEWLINE)


def test_a_long_example_is_cut_to_the_token_limit() -> None:
    tokenized = tokenize_example(Example.exchange("ab", "cd"), CharacterTokenizer(), max_tokens=7)

    assert tokenized.labels == (X, X, X, X, X, X, C)


def test_an_example_whose_answer_is_cut_off_is_refused() -> None:
    with pytest.raises(NothingToLearn, match="first 6 tokens"):
        tokenize_example(Example.exchange("ab", "cd"), CharacterTokenizer(), max_tokens=6)


def test_a_template_that_rewrites_earlier_turns_is_refused() -> None:
    chat = Example((Message("user", "a"), Message("assistant", "b"), Message("user", "c")))

    with pytest.raises(UnsupportedTemplate):
        tokenize_example(chat, CountingTokenizer(), max_tokens=99)
