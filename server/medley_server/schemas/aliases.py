"""Aliases, their moves, and what they demand."""

from typing import Annotated, Any

from medley_registry import (
    AliasPolicy,
    Better,
    EvidenceKind,
    MoveReason,
    Outcome,
    Over,
    VariantKind,
)
from pydantic import BeforeValidator, Field

from medley_server.schemas.fields import (
    At,
    Body,
    Generation,
    Line,
    Record,
    SentDigest,
    SentNumber,
    Text,
)


class AliasRecord(Record):
    """Where an alias points; ``generation`` counts its moves."""

    adapter: str
    name: str
    number: int
    digest: Text
    generation: int
    updated_at: At


class AliasList(Record):
    aliases: list[AliasRecord]


class MoveRecord(Record):
    adapter: str
    alias: str
    generation: int
    from_number: int | None
    to_number: int
    reason: MoveReason
    actor: str
    at: At


class MoveList(Record):
    """Oldest first; asked for a time, only the move that put the alias where it stood then."""

    moves: list[MoveRecord]


class Promotion(Body):
    """Where an alias is to point; ``expected_generation`` is where the caller believes it is."""

    number: SentNumber
    expected_generation: Generation | None = None


class Rollback(Body):
    expected_generation: Generation | None = None


class Consent(Body):
    """The version that an alias may be moved to, as far as the caller is concerned."""

    number: SentNumber


class ApprovalRecord(Record):
    adapter: str
    alias: str
    generation: int
    number: int
    actor: str
    digest: Text
    at: At
    revision: int


class ApprovalList(Record):
    """Every approval there ever was.

    It counts while the alias has its generation, and the policy its revision.
    """

    approvals: list[ApprovalRecord]


class RequirementBody(Body):
    """A bound on a metric; at least one of the two."""

    kind: EvidenceKind
    suite: Line
    metric: Line
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)
    variant: VariantKind = VariantKind.BF16
    suite_digest: SentDigest | None = None


class ComparisonBody(Body):
    """Not worse than the version the alias points at, by more than a margin."""

    suite: Line
    metric: Line
    margin: float = Field(allow_inf_nan=False)
    better: Better = Better.HIGHER
    over: Over = Over.ITEMS
    variant: VariantKind = VariantKind.BF16
    suite_digest: SentDigest | None = None


class PolicyBody(Body):
    """All that must hold of a version before the alias may point at it."""

    requirements: list[RequirementBody] = Field(default_factory=list)
    signers: list[Line] = Field(default_factory=list)
    approvals: int = 0
    comparisons: list[ComparisonBody] = Field(default_factory=list)
    significance: float = Field(default=AliasPolicy().significance, allow_inf_nan=False)

    def policy(self) -> AliasPolicy:
        """The registry's own."""
        return AliasPolicy.from_json(self.model_dump(mode="json"))


class PolicyRecord(Record):
    """What ``PolicyBody`` says, as the registry keeps it."""

    requirements: list[dict[str, Any]]
    signers: list[str]
    approvals: int
    comparisons: list[dict[str, Any]] = Field(default_factory=list)
    significance: float = AliasPolicy().significance


def _policy(policy: object) -> object:
    return policy.to_json() if isinstance(policy, AliasPolicy) else policy


class ProtectionRecord(Record):
    """A policy as it was set; the highest ``revision`` is in force."""

    adapter: str
    alias: str
    revision: int
    policy: Annotated[PolicyRecord, BeforeValidator(_policy)]
    actor: str
    at: At


class DecisionRecord(Record):
    """Whether the alias could be moved to a version, and every number behind it."""

    adapter: str
    alias: str
    generation: int
    ordinal: int
    number: int
    digest: Text
    revision: int
    outcome: Outcome
    report: dict[str, Any]
    actor: str
    at: At


class DecisionList(Record):
    """Oldest first."""

    decisions: list[DecisionRecord]
