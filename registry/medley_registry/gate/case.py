"""What a decision depends on, read in one state of the index: policy, versions and evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from medley_registry import lookup
from medley_registry.adapters import Version
from medley_registry.aliases import Alias
from medley_registry.digest import Digest
from medley_registry.evidence import Evidence
from medley_registry.index import IndexReader
from medley_registry.policies import AliasPolicy, Comparison, Protection, Requirement


@dataclass(frozen=True, slots=True)
class Pairing:
    """The evidence that a comparison is about, of either side; None where there is none."""

    comparison: Comparison
    candidate: Evidence | None
    baseline: Evidence | None


@dataclass(frozen=True, slots=True)
class Bound:
    """The evidence that a requirement is about; None where there is none."""

    requirement: Requirement
    evidence: Evidence | None

    def is_met(self) -> bool:
        return self.evidence is not None and self.requirement.is_met_by(self.evidence)


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate before an alias that demands something.

    Equal cases are decided alike, signatures and approvals apart.

    Attributes:
        baseline: The version that the alias points at.
        generation: How often the alias has moved.
        revision: Which of the alias's policies this is, counted from 1.
    """

    candidate: Version
    baseline: Version | None
    alias: str
    generation: int
    policy: AliasPolicy
    revision: int
    bounds: tuple[Bound, ...]
    pairings: tuple[Pairing, ...]

    @classmethod
    def read(cls, reader: IndexReader, candidate: Version, *, alias: str) -> "Case":
        """How things stand in this state."""
        name = candidate.adapter
        current = reader.one(Alias, adapter=name, name=alias)
        baseline = lookup.find_number(reader, name, current.number) if current else None
        policy, revision = policy_in_force(reader, name, alias)
        of_candidate = _evidence(reader, candidate)
        of_baseline = _evidence(reader, baseline) if baseline else []
        return cls(
            candidate=candidate,
            baseline=baseline,
            alias=alias,
            generation=current.generation if current else 0,
            policy=policy,
            revision=revision,
            bounds=tuple(_bound(demand, of_candidate) for demand in policy.requirements),
            pairings=tuple(_pairing(c, of_candidate, of_baseline) for c in policy.comparisons),
        )


def policy_in_force(reader: IndexReader, adapter: str, alias: str) -> tuple[AliasPolicy, int]:
    """An alias's policy and its revision, counted from 1; an empty one and 0 where none was set."""
    protections = reader.all(Protection, adapter=adapter, alias=alias)
    return (protections[-1].policy if protections else AliasPolicy()), len(protections)


def _evidence(reader: IndexReader, version: Version) -> list[Evidence]:
    return reader.all(Evidence, adapter=version.adapter, number=version.number)


def _bound(requirement: Requirement, evidence: Sequence[Evidence]) -> Bound:
    fitting = [one for one in evidence if requirement.is_about(one)]
    return Bound(requirement, fitting[-1] if fitting else None)


def _pairing(
    comparison: Comparison, candidate: Sequence[Evidence], baseline: Sequence[Evidence]
) -> Pairing:
    newest = _newest(comparison, candidate, content=None)
    if newest is None:
        return Pairing(comparison, None, None)
    return Pairing(comparison, newest, _newest(comparison, baseline, content=newest.suite_digest))


def _newest(
    comparison: Comparison, evidence: Sequence[Evidence], *, content: Digest | None
) -> Evidence | None:
    fitting = [one for one in evidence if comparison.is_about(one)]
    if content is not None:
        fitting = [one for one in fitting if one.suite_digest == content]
    return fitting[-1] if fitting else None
