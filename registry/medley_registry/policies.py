"""What an alias demands of a version before it may point at it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from medley_registry.canonical import Json
from medley_registry.digest import Digest
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.variants import VariantKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A bound on one metric of the newest evidence that one suite gave for one variant.

    With a ``suite_digest`` only evidence of a suite with just that content counts.
    """

    kind: EvidenceKind
    suite: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    variant: VariantKind = VariantKind.BF16
    suite_digest: Digest | None = None

    def __str__(self) -> str:
        bounds = [f">= {self.at_least:g}"] if self.at_least is not None else []
        bounds += [f"<= {self.at_most:g}"] if self.at_most is not None else []
        bound = " and ".join(bounds)
        suite = f"{self.suite}{_pinned(self.suite_digest)}"
        return f"{self.kind} {suite}: {self.metric} {bound} ({self.variant})"

    def is_about(self, evidence: Evidence) -> bool:
        """Whether this evidence is what the bound is on."""
        wanted = (self.kind, self.suite, self.variant)
        is_same = (evidence.kind, evidence.suite, evidence.variant) == wanted
        return is_same and self.suite_digest in (None, evidence.suite_digest)

    def is_met_by(self, evidence: Evidence) -> bool:
        """Whether the metric is there and within the bounds."""
        value = evidence.metrics.get(self.metric)
        if value is None:
            return False
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)


class Better(StrEnum):
    """Which way a metric improves."""

    HIGHER = "higher"
    LOWER = "lower"


class Over(StrEnum):
    """What a metric is counted over before two versions are compared.

    ``items`` is all of them together. The others count each site by itself and then take the worst
    site, the harmonic mean over the sites, or every site for itself.
    """

    ITEMS = "items"
    WORST_SITE = "worst-site"
    HARMONIC_MEAN = "harmonic-mean"
    EACH_SITE = "each-site"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Not worse than the version the alias points at, by more than a margin, on the same items.

    Both versions need evidence with items from one suite of the same content; the newest counts,
    with a ``suite_digest`` only that of a suite with just that content.
    """

    suite: str
    metric: str
    margin: float
    better: Better = Better.HIGHER
    over: Over = Over.ITEMS
    variant: VariantKind = VariantKind.BF16
    suite_digest: Digest | None = None

    def __str__(self) -> str:
        where = "" if self.over is Over.ITEMS else f" ({self.over})"
        suite = f"{self.suite}{_pinned(self.suite_digest)}"
        return f"{suite}: {self.metric}{where} within {self.margin:g} ({self.variant})"

    def is_about(self, evidence: Evidence) -> bool:
        """Whether this evidence is what is compared."""
        wanted = (EvidenceKind.EVALUATION, self.suite, self.variant)
        is_same = (evidence.kind, evidence.suite, evidence.variant) == wanted
        return is_same and self.suite_digest in (None, evidence.suite_digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasPolicy:
    """All that must hold: each requirement, comparison, signer (key id), a number of approvals.

    Approvals come from different people, none of them the one who promotes: with 1, every
    promotion takes two people.

    Attributes:
        significance: How often the comparisons together may let a version pass that is worse by
            the margin, as far as resampling can tell (docs/gate.md).
    """

    requirements: tuple[Requirement, ...] = ()
    signers: tuple[str, ...] = ()
    approvals: int = 0
    comparisons: tuple[Comparison, ...] = ()
    significance: float = 0.05

    def is_empty(self) -> bool:
        """Whether nothing is demanded."""
        return not (self.requirements or self.signers or self.approvals or self.comparisons)

    def to_json(self) -> dict[str, Json]:
        """What ``from_json`` reads back; a policy without comparisons reads as it always did."""
        whole: dict[str, Json] = {
            "requirements": [
                {
                    "kind": r.kind.value,
                    "suite": r.suite,
                    "metric": r.metric,
                    "at_least": r.at_least,
                    "at_most": r.at_most,
                    "variant": r.variant.value,
                    "suite_digest": str(r.suite_digest) if r.suite_digest else None,
                }
                for r in self.requirements
            ],
            "signers": [*self.signers],
            "approvals": self.approvals,
        }
        if self.comparisons:
            whole["comparisons"] = [
                {
                    "suite": c.suite,
                    "metric": c.metric,
                    "margin": c.margin,
                    "better": c.better.value,
                    "over": c.over.value,
                    "variant": c.variant.value,
                    "suite_digest": str(c.suite_digest) if c.suite_digest else None,
                }
                for c in self.comparisons
            ]
            whole["significance"] = self.significance
        return whole

    @classmethod
    def from_json(cls, value: Any) -> "AliasPolicy":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            requirements=tuple(_requirement(r) for r in value["requirements"]),
            signers=tuple(value["signers"]),
            approvals=value["approvals"],
            comparisons=tuple(_comparison(c) for c in value.get("comparisons", ())),
            significance=value.get("significance", 0.05),
        )


def _pinned(suite_digest: Digest | None) -> str:
    return f"@{suite_digest}"[:20] if suite_digest else ""


def _digest(value: Any) -> Digest | None:
    text = value.get("suite_digest")
    return Digest.parse(text) if text else None


def _requirement(value: Any) -> Requirement:
    return Requirement(
        kind=EvidenceKind(value["kind"]),
        suite=value["suite"],
        metric=value["metric"],
        at_least=value["at_least"],
        at_most=value["at_most"],
        variant=VariantKind(value["variant"]),
        suite_digest=_digest(value),
    )


def _comparison(value: Any) -> Comparison:
    return Comparison(
        suite=value["suite"],
        metric=value["metric"],
        margin=value["margin"],
        better=Better(value["better"]),
        over=Over(value["over"]),
        variant=VariantKind(value["variant"]),
        suite_digest=_digest(value),
    )


@dataclass(frozen=True, slots=True)
class Protection:
    """A policy set for an alias; the one with the highest ``revision`` is in force."""

    adapter: str
    alias: str
    revision: int
    policy: AliasPolicy
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's consent to move an alias to a version.

    It counts while the alias still has the ``generation``, and the policy the ``revision``, that
    they had then, so that no consent outlives the situation it was given in.
    """

    adapter: str
    alias: str
    generation: int
    number: int
    actor: str
    digest: Digest
    at: datetime
    revision: int = 0
