"""What ``--json`` prints of policies, traffic, consent and decisions (see `records`)."""

from typing import Any, Literal

from typing_extensions import TypedDict  # the schema's maker wants this one before Python 3.12

from medley_registry.commands.words import Form, Measurement


class RequirementRecord(TypedDict):
    """A bound on a metric."""

    kind: Measurement
    suite: str
    metric: str
    at_least: float | None
    at_most: float | None
    variant: Form
    suite_digest: str | None
    """Only a suite with just this content counts; None for any."""


class ComparisonRecord(TypedDict):
    """Not worse than the version that the alias points at."""

    suite: str
    metric: str
    margin: float
    """It may be worse by as much as this, and no more."""
    better: Literal["higher", "lower"]
    over: Literal["items", "worst-site", "harmonic-mean", "each-site"]
    variant: Form
    suite_digest: str | None
    """Only a suite with just this content counts; None for any."""


class PolicyRecord(TypedDict):
    """What is demanded of a version."""

    requirements: list[RequirementRecord]
    signers: list[str]
    """Key ids, each of which must have signed."""
    approvals: int
    """By how many people, the one who promotes not counted."""
    comparisons: list[ComparisonRecord]
    significance: float
    """How often the comparisons together may let a worse version pass: docs/gate.md."""


class ProtectionRecord(PolicyRecord):
    """What an alias demands of a version."""

    adapter: str
    alias: str
    unmet: list[str] | None
    """With --for: what that version lacks; else None."""


class BoundsRecord(TypedDict):
    """When a version that is tried is taken off again; what is null is not judged."""

    max_error_rate: float | None
    max_latency_ratio: float | None
    """Of the 95th percentiles of canary and target."""
    min_agreement: float | None
    min_requests: int
    window_s: int
    watch_s: int
    """How long the target is judged after a promotion."""


class TrafficRecord(TypedDict):
    """What becomes of requests that name an alias."""

    adapter: str
    alias: str
    revision: int
    """Counts the rules that were set; 0 where none was."""
    canary: int | None
    weight: float
    """Percent of the requests that the canary answers."""
    stick: Literal["user", "key", "request"]
    shadow: int | None
    share: float
    """Percent of the requests that the shadow is asked too."""
    bounds: BoundsRecord
    halted: str | None
    """Why a server took canary or shadow off; null where a person set the rule."""
    actor: str | None
    at: str | None


class ApprovalRecord(TypedDict):
    """One person's consent to a move."""

    adapter: str
    alias: str
    generation: int
    number: int
    digest: str
    actor: str
    at: str


class DecisionRecord(TypedDict):
    """Whether an alias that demands something could be moved to a version, and why."""

    adapter: str
    alias: str
    generation: int
    """How often the alias had moved; where it pointed is what the version was compared with."""
    ordinal: int
    """Counts the decisions made while it stood there."""
    number: int
    digest: str
    revision: int
    """Which of the alias's policies was asked."""
    outcome: Literal["passed", "refused"]
    report: dict[str, Any]
    """Every demand with what was found: docs/gate.md."""
    actor: str
    at: str
