"""What one suite found out about one model."""

import time
from dataclasses import dataclass

from medley_registry import Digest
from medley_registry.canonical import Json

from medley_training.suites.answer import Answer
from medley_training.suites.endpoint import Endpoint
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.measures import measured
from medley_training.suites.suite import Observer, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answers of a model to a suite, and what they come to.

    Attributes:
        answers: Sorted by their items' names.
        main_metric: By which one answer is better than another.
        took_s: From the first question to the last answer.
    """

    model: EvaluatedModel
    suite: str
    suite_digest: Digest
    main_metric: str
    answers: tuple[Answer, ...]
    metrics: dict[str, float]
    took_s: float

    def to_json(self) -> dict[str, Json]:
        """Without the answers."""
        return {
            "model": self.model.name,
            "digest": self.model.digest,
            "suite": self.suite,
            "suite_digest": str(self.suite_digest),
            "items": len(self.answers),
            "took_s": round(self.took_s, 3),
            "metrics": {**self.metrics},
        }


async def hold(
    suite: Suite, endpoint: Endpoint, model: EvaluatedModel, *, seed: int, observer: Observer
) -> Outcome:
    """Put a suite to a model, and count.

    Args:
        suite: What is asked.
        endpoint: Who answers.
        model: As whom.
        seed: Of the intervals' resampling.
        observer: Told how far it is.

    Raises:
        NotMeasured: Something was not answered.
    """
    started = time.perf_counter()
    found = await suite.ask(endpoint, model, observer)
    took_s = time.perf_counter() - started
    answers = tuple(sorted(found.answers, key=lambda answer: answer.item.name))
    metrics = measured([answer.item for answer in answers], seed=seed) if answers else {}
    return Outcome(
        model=model,
        suite=suite.name,
        suite_digest=found.digest or suite.digest,
        main_metric=suite.main_metric,
        answers=answers,
        metrics=metrics | dict(found.metrics),
        took_s=took_s,
    )
