"""Protected aliases: policies, approvals, and what a version still lacks."""

from math import inf, isfinite

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.decisions import Decision
from medley_registry.errors import AdmissionRefused
from medley_registry.events import EventKind
from medley_registry.gate.case import Case, policy_in_force
from medley_registry.gate.deciding import Judgement, current_approvals
from medley_registry.gate.weighing import weigh
from medley_registry.index import Index
from medley_registry.keys import TrustedKey
from medley_registry.policies import AliasPolicy, Approval, Better, Comparison, Over, Protection
from medley_registry.references import check_alias

_MOST_DEMANDS = 100
_LOWEST, _HIGHEST = 0.01, 0.2  # ten thousand draws say nothing about less


class Protections:
    """What aliases demand of the versions they may point at."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def set(self, name: str, alias: str, policy: AliasPolicy, *, actor: str) -> Protection:
        """Let a policy be in force for an alias from now on; an empty one demands nothing.

        Raises:
            AdmissionRefused: by rule ``policy``: it could never be satisfied, or says nothing.
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        with self._index.write() as writer:
            lookup.find_adapter(writer, name)
            known = {key.key_id for key in writer.all(TrustedKey) if not key.distrusted_at}
            _check_policy(policy, known_keys=known)
            revision = policy_in_force(writer, name, alias)[1] + 1
            protection = Protection(name, alias, revision, policy, actor, timestamps.now())
            writer.add(protection)
            journal.record(
                writer,
                EventKind.ALIAS_PROTECTED,
                subject=f"{name}@{alias}",
                actor=actor,
                payload={
                    "adapter": name,
                    "alias": alias,
                    "revision": revision,
                    "policy": policy.to_json(),
                },
                at=protection.at,
                records=[protection],
            )
        return protection

    def of(self, name: str, alias: str) -> AliasPolicy:
        """The policy in force, which demands nothing where none was set."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            return policy_in_force(reader, name, alias)[0]

    def history(self, name: str, alias: str) -> list[Protection]:
        """Every policy an alias ever had, oldest first."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.all(Protection, adapter=name, alias=alias)

    def approve(self, name: str, number: int, *, alias: str, actor: str) -> Approval:
        """Consent to moving an alias to a version, as it stands now; again changes nothing.

        Raises:
            NotServable: the version could not be promoted anyway.
        """
        check_alias(alias)
        rules.check_text("the actor", actor)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            rules.check_promotable(version)
            case = Case.read(writer, version, alias=alias)
            for given in current_approvals(writer, case):
                if given.actor == actor:
                    return given
            at = timestamps.now()
            approval = Approval(
                name, alias, case.generation, number, actor, version.digest, at, case.revision
            )
            writer.add(approval)
            journal.record(
                writer,
                EventKind.ALIAS_APPROVED,
                subject=f"{name}@{alias}",
                actor=actor,
                payload={
                    "adapter": name,
                    "alias": alias,
                    "generation": case.generation,
                    "revision": case.revision,
                    "number": number,
                    "digest": str(version.digest),
                },
                at=at,
                records=[approval],
            )
        return approval

    def approvals(self, name: str, alias: str) -> list[Approval]:
        """Every approval ever given for an alias."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.all(Approval, adapter=name, alias=alias)

    def unmet(self, name: str, number: int, *, alias: str) -> list[str]:
        """What the alias demands and the version lacks, in words.

        Whether the version may be promoted at all, its state and signatures say.
        """
        with self._index.read() as reader:
            version = lookup.find_version(reader, name, number)
            weighing = weigh(Case.read(reader, version, alias=alias), reader)
            judgement = Judgement.read(reader, weighing.case, weighing.weighed, promoter=None)
        return judgement.lacks()

    def decisions(self, name: str, alias: str) -> list[Decision]:
        """Every decision on moving an alias that demanded something, oldest first."""
        with self._index.read() as reader:
            lookup.find_adapter(reader, name)
            return reader.all(Decision, adapter=name, alias=alias)


def _check_policy(policy: AliasPolicy, *, known_keys: set[str]) -> None:
    demands = len(policy.requirements) + len(policy.comparisons) + len(policy.signers)
    if demands > _MOST_DEMANDS:
        raise AdmissionRefused("policy", demands, because=f"{_MOST_DEMANDS} at most")
    for comparison in policy.comparisons:
        _check_comparison(comparison)
    if not _LOWEST <= policy.significance <= _HIGHEST:
        because = f"a significance is {_LOWEST} to {_HIGHEST}"
        raise AdmissionRefused("policy", policy.significance, because=because)
    for requirement in policy.requirements:
        rules.check_text("a suite", requirement.suite)
        rules.check_text("a metric", requirement.metric)
        bounds = [b for b in (requirement.at_least, requirement.at_most) if b is not None]
        if not bounds or not all(map(isfinite, bounds)) or bounds != sorted(bounds):
            because = "a bound is needed, and what is at least must not exceed what is at most"
            raise AdmissionRefused("policy", str(requirement), because=because)
    for signer in policy.signers:
        if signer not in known_keys:
            raise AdmissionRefused("policy", signer, because="a signer is a trusted key's id")
    if not 0 <= policy.approvals <= 10:
        raise AdmissionRefused("policy", policy.approvals, because="approvals are 0 to 10")


def _check_comparison(comparison: Comparison) -> None:
    rules.check_text("a suite", comparison.suite)
    rules.check_text("a metric", comparison.metric)
    if not 0 < comparison.margin < inf:
        because = "a margin is above 0: no data proves that nothing at all was lost"
        raise AdmissionRefused("policy", comparison.margin, because=because)
    if (comparison.better, comparison.over) == (Better.LOWER, Over.HARMONIC_MEAN):
        because = "where less is better, a harmonic mean hides the worst site: use worst-site"
        raise AdmissionRefused("policy", str(comparison), because=because)
