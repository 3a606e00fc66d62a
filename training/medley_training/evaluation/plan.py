"""What an evaluation measures, as the ``[evaluation]`` table of a recipe says it."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

EvaluationTask: TypeAlias = Literal["loss", "choices", "extraction"]


class EvaluationPlan(BaseModel):
    """What is measured on held-out examples, and on how many.

    Attributes:
        tasks: ``loss`` on all examples; ``choices`` on those that have choices; ``extraction``
            generates an answer to each that has none and compares the fields in it.
        max_examples: Use the first so many of the held-out examples; None for all.
        max_tokens: Longer examples are cut for the loss, prompt included.
        max_new_tokens: A generated answer ends here at the latest.
        batch_tokens: The most tokens, padding included, that go through the model at once.
        per_document: Sites send the scores of each held-out example, by its place, and not only
            their sum. A gate can then compare two rounds document by document; more leaves a site.

    Raises:
        ValidationError: A value is outside its range, or a task is named twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: tuple[EvaluationTask, ...] = Field(default=("loss",), min_length=1)
    max_examples: PositiveInt | None = None
    max_tokens: PositiveInt = 2048
    max_new_tokens: PositiveInt = 384
    batch_tokens: PositiveInt = 2048
    per_document: bool = False

    @field_validator("tasks")
    @classmethod
    def _once_each(cls, tasks: tuple[EvaluationTask, ...]) -> tuple[EvaluationTask, ...]:
        if len(set(tasks)) < len(tasks):
            raise ValueError("a task is named twice")
        return tasks
