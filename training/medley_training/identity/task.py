"""What the coordinator asks of one participant in one round, signed with the start it hands out."""

import secrets
from typing import Annotated, Any, Literal

from medley_registry.digest import Digest
from pydantic import Field
from pydantic.dataclasses import dataclass

from medley_training.identity.record import STRICT, CountField, DigestField, NameField, Record
from medley_training.local.lora import LoraShape

Trained = tuple[Literal["A"], Literal["B"]] | tuple[Literal["A"]] | tuple[Literal["B"]]

_NONCE_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Task(Record):
    """One participant's part of one round.

    It holds no time, so that a round that is taken up again asks the same thing in the same bytes.

    Attributes:
        run: The run's name.
        round: Counted from 1.
        participant: Who is asked.
        nonce: `fresh_nonce`, once per task; an answer to another task does not have it.
        start: SHA-256 of the start adapter's weights file, as handed out with the task.
        base: The base model's digest.
        quantization: How the base is loaded: ``none`` or ``nf4``.
        shape: Of the adapter to train.
        trains: The factors that are trained: ``("A", "B")``, ``("A",)`` or ``("B",)``.
        plan: The local training plan, as JSON; its owner checks it.
        codec: How the contribution is encoded.
        privacy: The privacy configuration, as JSON; its owner checks it.
        seed: Of the site's training.
        max_examples: How many examples the site may train on; None is all that it has.

    Raises:
        ValueError: A value is outside its range.
    """

    payload_type = "application/vnd.medley.task+json"

    run: NameField
    round: CountField
    participant: NameField
    nonce: str
    start: DigestField
    base: DigestField
    quantization: str
    shape: LoraShape
    trains: Trained
    plan: dict[str, Any]
    codec: str
    privacy: dict[str, Any]
    seed: CountField
    max_examples: Annotated[int, Field(ge=1, le=1 << 53)] | None = None

    @property
    def is_private(self) -> bool:
        """Whether the site's data are protected by differential privacy."""
        return bool(self.privacy.get("mechanism", "none") != "none")

    def matches(self, start: bytes) -> bool:
        """Whether these are the bytes of the start adapter that the task names."""
        return Digest.of(start) == self.start


def fresh_nonce() -> str:
    """A new nonce, in hex; keep it with the task, or a round taken up again becomes another."""
    return secrets.token_hex(_NONCE_BYTES)
