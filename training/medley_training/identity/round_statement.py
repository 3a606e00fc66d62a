"""What the coordinator signs at the end of a round: enough to compute its aggregate again."""

from typing import Any

from pydantic.dataclasses import dataclass

from medley_training.identity.record import STRICT, CountField, DigestField, NameField, Record


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Input:
    """One contribution that was counted.

    Attributes:
        participant: Whose it is.
        update: SHA-256 of the contribution's file.
        statement: SHA-256 of the participant's signed envelope, which is the log's leaf.
        leaf: The leaf's index.
        weight: What it counted among the others.
    """

    participant: NameField
    update: DigestField
    statement: DigestField
    leaf: CountField
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Refusal:
    """One contribution that was not counted; `reason` as in `ContributionRefused`."""

    participant: NameField
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class RoundStatement(Record):
    """What a round was made of and what came out; it holds no time.

    Attributes:
        run: The run's name.
        recipe: The recipe's digest.
        round: Counted from 1.
        start: SHA-256 of the start adapter's weights file.
        inputs: The contributions that were counted, by the participants' names.
        refused: Those that were not.
        root: SHA-256 of what the coordinator trained on its own clean data, where the strategy
            compares with it.
        strategy: The strategy's name.
        options: Its options, as JSON.
        output: SHA-256 of the served adapter's weights file.
        next_start: SHA-256 of what the next round starts from.
        state: SHA-256 of the strategy's state after the round, where it has one.

    Raises:
        ValueError: A value is outside its range.
    """

    payload_type = "application/vnd.medley.round-statement+json"

    run: NameField
    recipe: DigestField
    round: CountField
    start: DigestField
    inputs: tuple[Input, ...]
    refused: tuple[Refusal, ...]
    strategy: str
    options: dict[str, Any]
    output: DigestField
    next_start: DigestField
    state: DigestField | None = None
    root: DigestField | None = None
