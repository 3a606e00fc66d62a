"""Scores of a model on held-out examples, for every task of a plan."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from medley_training.data.examples import Example
from medley_training.data.formatting import TokenizedExample, tokenize_example
from medley_training.data.labelled import LabelledExample
from medley_training.errors import NothingToLearn
from medley_training.evaluation.choices import choice_question, score_choices
from medley_training.evaluation.extraction import score_extraction
from medley_training.evaluation.loss import score_loss
from medley_training.evaluation.plan import EvaluationPlan, EvaluationTask
from medley_training.evaluation.prompt import Tokenizer, padding_of
from medley_training.evaluation.scores import NO_SCORES, Scores

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """What an observer learns as examples are done, of one task after the other."""

    task: EvaluationTask
    done: int
    total: int


EvaluationObserver: TypeAlias = Callable[[EvaluationProgress], None]


def evaluate(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    held_out: Sequence[LabelledExample | Example],
    plan: EvaluationPlan,
    observer: EvaluationObserver | None = None,
) -> list[Scores]:
    """Score the model on every task of the plan; it is left as it was found.

    An example takes part in the tasks that it is made for: one with choices is chosen for, one
    without is answered in free text, and each adds to the loss. One without a completion within
    ``plan.max_tokens`` adds nothing to the loss.

    Returns:
        The scores of each example that was used; `pooled` are those of all together.

    Args:
        model: A base, or a wrapped one.
        tokenizer: The base's.
        held_out: The examples; the first ``plan.max_examples`` of them are used.
        plan: What is measured.
        observer: Told as examples are done.
    """
    cases = [_Case.of(each) for each in held_out[: plan.max_examples]]
    scores = [NO_SCORES] * len(cases)
    with _answering(model):
        for task in plan.tasks:
            for place, found in _RUN[task](model, tokenizer, cases, plan, observer):
                scores[place] += found
    return scores


@dataclass(frozen=True, slots=True)
class _Case:
    example: Example
    choices: tuple[str, ...]
    answer: int

    @classmethod
    def of(cls, each: LabelledExample | Example) -> "_Case":
        if isinstance(each, Example):
            return cls(each, (), 0)
        return cls(each.example, each.choices, each.answer or 0)


_Run: TypeAlias = Callable[
    ["PreTrainedModel", Tokenizer, Sequence[_Case], EvaluationPlan, EvaluationObserver | None],
    Iterable[tuple[int, Scores]],
]
"""Gives the scores of the cases that take part, each with its place."""


def _loss(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    cases: Sequence[_Case],
    plan: EvaluationPlan,
    observer: EvaluationObserver | None,
) -> Iterable[tuple[int, Scores]]:
    fitting = dict(_fitting(cases, tokenizer, max_tokens=plan.max_tokens))
    found = score_loss(
        model,
        [*fitting.values()],
        pad_token_id=padding_of(tokenizer),
        batch_tokens=plan.batch_tokens,
        observer=_counting(observer, "loss", len(fitting)),
    )
    return zip(fitting, found, strict=True)


def _choices(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    cases: Sequence[_Case],
    plan: EvaluationPlan,
    observer: EvaluationObserver | None,
) -> Iterable[tuple[int, Scores]]:
    questions = {
        place: choice_question(case.example, case.choices, case.answer, tokenizer=tokenizer)
        for place, case in enumerate(cases)
        if case.choices
    }
    found = score_choices(
        model,
        [*questions.values()],
        pad_token_id=padding_of(tokenizer),
        batch_tokens=plan.batch_tokens,
        observer=_counting(observer, "choices", len(questions)),
    )
    return zip(questions, found, strict=True)


def _extraction(
    model: "PreTrainedModel",
    tokenizer: Tokenizer,
    cases: Sequence[_Case],
    plan: EvaluationPlan,
    observer: EvaluationObserver | None,
) -> Iterable[tuple[int, Scores]]:
    examples = {place: case.example for place, case in enumerate(cases) if not case.choices}
    found = score_extraction(
        model,
        tokenizer,
        [*examples.values()],
        max_new_tokens=plan.max_new_tokens,
        batch_tokens=plan.batch_tokens,
        observer=_counting(observer, "extraction", len(examples)),
    )
    return zip(examples, found, strict=True)


_RUN: dict[EvaluationTask, _Run] = {
    "loss": _loss,
    "choices": _choices,
    "extraction": _extraction,
}


def _fitting(
    cases: Sequence[_Case], tokenizer: Tokenizer, *, max_tokens: int
) -> Iterator[tuple[int, TokenizedExample]]:
    for place, case in enumerate(cases):
        try:
            yield place, tokenize_example(case.example, tokenizer, max_tokens=max_tokens)
        except NothingToLearn:
            continue


def _counting(
    observer: EvaluationObserver | None, task: EvaluationTask, total: int
) -> Callable[[int], None] | None:
    if observer is None:
        return None
    done = 0

    def count(num_examples: int) -> None:
        nonlocal done
        done += num_examples
        observer(EvaluationProgress(task, done, total))

    return count


@contextmanager
def _answering(model: "PreTrainedModel") -> Iterator[None]:
    """Evaluation mode, and training mode again afterwards where it was in that."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
