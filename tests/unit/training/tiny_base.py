"""What tests train the tiny base on."""

from random import Random

from medley_training.data.formatting import IGNORED_LABEL, TokenizedExample
from medley_training.tiny_base import VOCABULARY, save_byte_tokenizer, tiny_base

__all__ = ["VOCABULARY", "copying_examples", "save_byte_tokenizer", "tiny_base"]


def copying_examples(count: int) -> list[TokenizedExample]:
    """Prompts of varied length; the completion to learn is always the same three tokens."""
    random = Random(0)
    completion = (7, 8, 2)
    prompts = [
        tuple(random.randrange(10, VOCABULARY) for _ in range(random.randint(2, 6)))
        for _ in range(count)
    ]
    return [
        TokenizedExample(prompt + completion, (IGNORED_LABEL,) * len(prompt) + completion)
        for prompt in prompts
    ]
