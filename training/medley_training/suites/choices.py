"""Suites of multiple choice: the option that the model would most probably answer with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from medley_registry import Digest, Item
from medley_registry.canonical import Json, canonical_json

from medley_training.data.formatting import ChatTokenizer
from medley_training.data.labelled import LabelledExample, without_copies
from medley_training.evaluation.choices import ChoiceQuestion
from medley_training.suites.answer import Answer
from medley_training.suites.endpoint import Endpoint
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.in_flight import all_answered
from medley_training.suites.likelihood import option_log_likelihoods
from medley_training.suites.option_tokens import served_question
from medley_training.suites.reliability import bin_of, brier_score, probabilities
from medley_training.suites.suite import Findings, Observer

SCORING = "the option whose whole completion, end of turn included, is the likeliest"
GAP = "reliability@"
"""Before the number of a bin: by how much confidence exceeded accuracy there, summed."""
BY_LABEL = "choice_accuracy@"
"""Before a subject: the accuracy on its questions."""


@dataclass(frozen=True, slots=True)
class ChoiceSuite:
    """Questions with options, such as MedMCQA's; a label is a subject.

    Attributes:
        examples: No two alike.
        tokenizer: The base's.
    """

    name: str
    examples: tuple[LabelledExample, ...]
    tokenizer: ChatTokenizer

    @property
    def main_metric(self) -> str:
        """Whether the right option was the likeliest."""
        return "choice_accuracy"

    @property
    def digest(self) -> Digest:
        """Of every chat with its options, and of how they are scored."""
        in_order = sorted(self.examples, key=lambda example: example.digest)
        items: list[Json] = [[each.digest, each.label, *each.choices] for each in in_order]
        return Digest.of(canonical_json({"scoring": SCORING, "items": items}))

    async def ask(self, endpoint: Endpoint, model: EvaluatedModel, observer: Observer) -> Findings:
        """Score every option of every question.

        Raises:
            NotMeasured: A question was not answered.
            UnsupportedTemplate: The base's chat template has no place for an answer.
        """
        questions = [
            served_question(each.example, each.choices, each.answer or 0, tokenizer=self.tokenizer)
            for each in self.examples
        ]

        async def ask(question: ChoiceQuestion) -> list[float]:
            return await option_log_likelihoods(endpoint, model, question)

        scores = await all_answered(questions, ask, at_once=endpoint.concurrency, observer=observer)
        return Findings(tuple(map(choice_answer, self.examples, scores)))


def drawn(
    examples: Iterable[LabelledExample], *, limit: int | None, seed: int
) -> tuple[LabelledExample, ...]:
    """So many of the questions, no two alike; which ones, the seed decides."""
    different = without_copies(examples)
    if limit is None or limit >= len(different):
        return different
    return tuple(Random(seed).sample(different, limit))  # noqa: S311 - no secret


def choice_answer(example: LabelledExample, scores: Sequence[float]) -> Answer:
    """How a question counts, given each option's log-probability."""
    answer = example.answer or 0
    chances = probabilities(scores)
    chosen = scores.index(max(scores))
    is_right = float(chosen == answer)
    tallies = {
        "choice_accuracy": (is_right, 1.0),
        "brier_score": (brier_score(chances, answer), 1.0),
        "confidence": (chances[chosen], 1.0),
        f"{GAP}{bin_of(chances[chosen])}": (chances[chosen] - is_right, 1.0),
    }
    if example.label:
        tallies[f"{BY_LABEL}{example.label}"] = (is_right, 1.0)
    return Answer(
        item=Item(example.digest, example.group, example.site or "", tallies),
        prompt=example.example.messages[-2].content,
        said=example.choices[chosen],
        truth=example.choices[answer],
        details={"log_probabilities": [*scores]},
    )
