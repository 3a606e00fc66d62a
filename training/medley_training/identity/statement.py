"""What a participant signs: what it made, from what, and under which conditions."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.inert import inert
from pydantic import field_validator
from pydantic.dataclasses import dataclass

import medley_training
from medley_training.errors import ContributionRefused
from medley_training.identity.record import STRICT, CountField, DigestField, NameField, Record
from medley_training.identity.task import Task, Trained
from medley_training.local.lora import LoraShape

_SHOWN = 200
_SERIES = (10, 12, 15, 20, 25, 32, 40, 50, 63, 80)


def sample_bucket(num_examples: int) -> int:
    """The number of examples, rounded down so that one patient more or less hardly ever shows.

    The buckets are 10, 12, 15, 20, 25, 32, 40, 50, 63, 80 and these times powers of ten (about
    Renard's series R10, ISO 3); fewer than 10 are told as 10.

    Raises:
        ValueError: There is no example.
    """
    if num_examples < 1:
        raise ValueError(f"{num_examples} examples make no contribution")
    decade = 1
    while num_examples >= 10 * _SERIES[0] * decade:
        decade *= 10
    return max((step * decade for step in _SERIES if step * decade <= num_examples), default=10)


@cache
def code_digest() -> Digest:
    """The digest of this package's Python files, as they lay when it was first asked for."""
    folder = Path(medley_training.__file__).parent
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.py")
    }
    return Digest.of(canonical_json({**files}))


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Losses:
    """Mean losses per completion token (nats).

    Attributes:
        first: Of the training's first step.
        last: Of its last.
        of_start: Of the start adapter over this site's examples, where the strategy needs it.
    """

    first: float
    last: float
    of_start: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Statement(Record):
    """A participant's claim about its contribution to one round; it holds no time, as `Task`.

    Attributes:
        run, round, participant, nonce, start, base, quantization, shape, trains, codec: As in the
            task that is answered.
        update: SHA-256 of the contribution's file.
        sample_bucket: `sample_bucket` of the examples trained on.
        privacy: The task's privacy configuration and, where there is one, what was spent.
        code: `code_digest` at the participant.
        losses: What the training reported; None under differential privacy, whose epsilon does
            not cover them.

    Raises:
        ValueError: A value is outside its range.
    """

    payload_type = "application/vnd.medley.statement+json"

    run: NameField
    round: CountField
    participant: NameField
    nonce: str
    start: DigestField
    base: DigestField
    quantization: str
    shape: LoraShape
    trains: Trained
    codec: str
    update: DigestField
    sample_bucket: CountField
    privacy: dict[str, Any]
    code: DigestField
    losses: Losses | None

    @field_validator("sample_bucket")
    @classmethod
    def _is_bucket(cls, value: int) -> int:
        if value < 1 or sample_bucket(value) != value:
            raise ValueError(f"{value} is no bucket")
        return value

    @classmethod
    def answering(
        cls,
        task: Task,
        update: bytes,
        *,
        num_examples: int,
        losses: Losses | None,
        spent: dict[str, Any] | None = None,
    ) -> "Statement":
        """The statement of whoever did a task.

        Args:
            task: What was asked.
            update: The contribution's file.
            num_examples: Examples trained on; only their bucket is told.
            losses: What the training reported; left out where the task asks for privacy.
            spent: What is added to the task's privacy configuration, such as ``epsilon``.
        """
        return cls(
            run=task.run,
            round=task.round,
            participant=task.participant,
            nonce=task.nonce,
            start=task.start,
            base=task.base,
            quantization=task.quantization,
            shape=task.shape,
            trains=task.trains,
            codec=task.codec,
            update=Digest.of(update),
            sample_bucket=sample_bucket(num_examples),
            privacy={**task.privacy, **(spent or {})},
            code=code_digest(),
            losses=None if task.is_private else losses,
        )

    def answers(self, task: Task) -> None:
        """Check that this is an answer to that task, and to no other.

        Raises:
            ContributionRefused: The reason names the first point in which it is not.
        """
        for reason, point, said, asked in self._points(task):
            if said != asked:
                shown = inert(str(said))[:_SHOWN]
                raise ContributionRefused(reason, f"{point} is {shown}, not {asked}")
        if task.max_examples is not None:
            most = sample_bucket(task.max_examples)
            if self.sample_bucket > most:
                detail = f"{self.sample_bucket} examples are claimed, {most} were allowed"
                raise ContributionRefused("malformed", detail)
        if self.losses is None and not task.is_private:
            raise ContributionRefused("malformed", "the losses are missing")

    def covers(self, update: bytes) -> None:
        """Check that these are the bytes of the contribution.

        Raises:
            ContributionRefused: They are not; the reason is ``altered``.
        """
        if (found := Digest.of(update)) != self.update:
            raise ContributionRefused("altered", f"the file is {found}, not {self.update}")

    def _points(self, task: Task) -> Iterator[tuple[str, str, object, object]]:
        """Each point that must agree: the reason if not, its name, what is said, what was asked."""
        yield "wrong_run", "the run", self.run, task.run
        yield "unknown_signer", "the participant", self.participant, task.participant
        yield "wrong_round", "the round", self.round, task.round
        yield "replayed", "the nonce", self.nonce, task.nonce
        yield "wrong_start", "the start", self.start, task.start
        yield "wrong_base", "the base", self.base, task.base
        yield "wrong_quantization", "the quantization", self.quantization, task.quantization
        yield "wrong_shape", "the shape", self.shape, task.shape
        yield "wrong_shape", "what was trained", self.trains, task.trains
        yield "wrong_codec", "the codec", self.codec, task.codec
        # What the participant adds to the configuration (what was spent) was not asked.
        said = {name: self.privacy[name] for name in task.privacy if name in self.privacy}
        yield "wrong_privacy", "the privacy", _text(said), _text(task.privacy)


def _text(value: dict[str, Any]) -> str:
    return canonical_json(value).decode()
