"""What the coordinator signs when it asks, beside a `Task`, and what sites answer."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.dataclasses import dataclass as record

from medley_training.errors import ContributionRefused, TaskRefused
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores
from medley_training.identity.record import STRICT, CountField, DigestField, NameField, Record
from medley_training.local.lora import LoraShape

_MOST_TOKENS = 1 << 53
_MOST_EXAMPLES = 10_000
_MOST_METRICS = 32


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


_Sum = Annotated[float, Field(strict=False, ge=0, le=1e15, allow_inf_nan=False)]
_Metric = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
_ToldTallies = Annotated[dict[_Metric, list[_Sum]], Field(max_length=_MOST_METRICS)]


class _ToldScores(BaseModel):
    """A stranger's scores, within what evidence and reports can hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scores: Annotated[tuple[_ToldTallies, ...], Field(max_length=_MOST_EXAMPLES)]
    groups: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(max_length=_MOST_EXAMPLES)]
    held_out: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{0,64}$")]


@dataclass(frozen=True, slots=True)
class EvaluationReply:
    """A site's scores: of all its held-out examples together, or of each, if that was asked for.

    Attributes:
        scores: One, or one for each example.
        groups: For each example the number of its group; nothing where all are one.
        held_out: Stands for the set of examples: another set has another name.
    """

    scores: tuple[Scores, ...]
    groups: tuple[int, ...] = ()
    held_out: str = ""

    def to_json(self) -> str:
        """What `from_json` reads back."""
        scores = [scores.to_json() for scores in self.scores]
        told = {"scores": scores, "groups": self.groups, "held_out": self.held_out}
        return json.dumps(told, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "EvaluationReply":
        """Read a stranger's answer.

        Raises:
            ValueError: It has another form.
        """
        try:
            told = _ToldScores.model_validate_json(text)
        except ValidationError as error:
            flaw = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, flaw['loc']))}: {flaw['msg']}") from error
        if told.groups and len(told.groups) != len(told.scores):
            raise ValueError(f"{len(told.groups)} groups of {len(told.scores)} examples")
        return cls(
            tuple(Scores.from_json({**each}) for each in told.scores), told.groups, told.held_out
        )


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
