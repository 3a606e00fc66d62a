"""What the coordinator signs when it asks, beside a `Task`, and what sites answer."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.dataclasses import dataclass as record

from medley_training.errors import ContributionRefused, TaskRefused
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores
from medley_training.identity.record import STRICT, CountField, DigestField, NameField, Record
from medley_training.local.lora import LoraShape

_MOST_TOKENS = 1 << 53
_MOST_EXAMPLES = 10_000


@record(frozen=True, slots=True, kw_only=True, config=STRICT)
class Assessment(Record):
    """Asks a site to score an adapter on what it holds out.

    Attributes:
        adapter: SHA-256 of the adapter's weights file, handed out with the question.
        shape: Its rank and scale, which may be larger than what sites train.
        plan: What is measured, as JSON; `evaluation` reads it.
    """

    payload_type = "application/vnd.medley.assessment+json"

    run: NameField
    round: CountField
    participant: NameField
    adapter: DigestField
    shape: LoraShape
    plan: dict[str, Any]

    @property
    def evaluation(self) -> EvaluationPlan:
        """What is measured.

        Raises:
            TaskRefused: The plan is not what this version of the software writes.
        """
        try:
            return EvaluationPlan.model_validate(self.plan)
        except ValidationError as error:
            flaw = error.errors()[0]
            place = ".".join(map(str, flaw["loc"]))
            raise TaskRefused(
                f"the question's plan cannot be carried out here: {place}: {flaw['msg']}"
            ) from error


@dataclass(frozen=True, slots=True)
class EvaluationReply:
    """A site's scores: of all its held-out examples together, or of each, if that was asked for."""

    scores: tuple[Scores, ...]

    def to_json(self) -> str:
        """What `from_json` reads back."""
        return json.dumps([scores.to_json() for scores in self.scores], sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "EvaluationReply":
        """Read a stranger's answer.

        Raises:
            ValueError: It has another form.
        """
        value = json.loads(text)
        if not isinstance(value, list) or len(value) > _MOST_EXAMPLES:
            raise ValueError(f"scores are a list of at most {_MOST_EXAMPLES}")
        return cls(tuple(Scores.from_json(each) for each in value))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReply:
    """A site's answer to a task, beside the contribution's bytes.

    Attributes:
        statement: The signed statement's envelope, as text.
        num_tokens: Tokens trained on; for the display only, so not signed.
        duration_s: The site's training, by its own clock.
    """

    statement: str
    num_tokens: int
    duration_s: float

    def to_json(self) -> str:
        """What `from_json` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "TrainingReply":
        """Read a stranger's answer.

        Raises:
            ContributionRefused: It has another form.
        """
        try:
            value: Any = json.loads(text)
            reply = cls(
                statement=str(value["statement"]),
                num_tokens=int(value["num_tokens"]),
                duration_s=float(value["duration_s"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise ContributionRefused(
                "malformed", f"the answer has another form: {error}"
            ) from error
        # Nothing hangs on these two, but they are shown and divided by each other.
        is_finite = math.isfinite(reply.duration_s) and reply.duration_s >= 0
        if not (is_finite and 0 <= reply.num_tokens <= _MOST_TOKENS):
            raise ContributionRefused("malformed", "the answer's tokens or seconds are no figures")
        return reply
