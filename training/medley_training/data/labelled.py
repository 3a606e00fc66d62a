"""An example and what splitting it over sites must know about it."""

from collections.abc import Iterable
from dataclasses import dataclass

from medley_training.data.examples import Example
from medley_training.data.fingerprint import content_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledExample:
    """One example with its label and origin.

    Attributes:
        example: The chat; its last message is the completion.
        label: What a label-skewed partition is skewed by: a subject, a section, a type.
        group: Examples of one group are never on two sides: not at two sites, and not both learnt
            from and held out.
        site: The site that the data itself names, where it does.
        choices: The texts to choose from, one of which is the completion; empty where there is
            no choice.
        answer: The index of the right one in `choices`; None without choices.
        is_test: The data set's authors hold this example out.

    Raises:
        ValueError: The choices and the answer do not fit each other or the completion.
    """

    example: Example
    label: str
    group: str
    site: str | None = None
    choices: tuple[str, ...] = ()
    answer: int | None = None
    is_test: bool = False

    def __post_init__(self) -> None:
        if (self.answer is None) != (not self.choices):
            raise ValueError("choices and answer come together")
        if self.answer is None:
            return
        if not 0 <= self.answer < len(self.choices):
            raise ValueError(f"there is no choice {self.answer} among {len(self.choices)}")
        if self.example.messages[-1].content != self.choices[self.answer]:
            raise ValueError("the completion is not the right choice")

    @property
    def digest(self) -> str:
        """The digest of the chat's text; equal for copies."""
        return content_digest(self.example)


@dataclass(frozen=True, slots=True)
class SiteData:
    """One site's examples: those it learns from and those it is evaluated on."""

    train: tuple[LabelledExample, ...]
    held_out: tuple[LabelledExample, ...]


def without_copies(examples: Iterable[LabelledExample]) -> tuple[LabelledExample, ...]:
    """The first of each different chat, in order; one that anyone tests on stays a test."""
    first: dict[str, LabelledExample] = {}
    for each in examples:
        kept = first.setdefault(each.digest, each)
        if each.is_test and not kept.is_test:
            first[each.digest] = each
    return tuple(first.values())
