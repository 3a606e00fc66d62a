"""A question with options as a chat."""

from collections.abc import Sequence

from medley_training.data.examples import Example

LETTERS = "ABCDEFGH"


def choice_example(question: str, options: Sequence[str], answer: int) -> Example:
    """A chat that asks the question, lists the options and is answered by the right one's text.

    The text and not its letter is the completion: a letter teaches a small model hardly more than
    which letter is frequent.
    """
    listed = "\n".join(
        f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)
    )
    prompt = f"{question}\n{listed}\nAnswer with the text of the right option."
    return Example.exchange(prompt, options[answer])
