"""Protected aliases: policies, approvals, and what a version still lacks."""

from math import isfinite

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.aliases import Alias
from medley_registry.errors import AdmissionRefused
from medley_registry.events import EventKind
from medley_registry.index import Index
from medley_registry.keys import TrustedKey
from medley_registry.policies import AliasPolicy, Approval, Protection
from medley_registry.promotion import (
    current_approvals,
    policy_of,
    revision_of,
    unmet_demands,
)
from medley_registry.references import check_alias

_MOST_DEMANDS = 100


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
            revision = revision_of(writer, name, alias) + 1
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
            return policy_of(reader, name, alias)

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
            for given in current_approvals(writer, version, alias=alias):
                if given.actor == actor:
                    return given
            current = writer.one(Alias, adapter=name, name=alias)
            generation = current.generation if current else 0
            at = timestamps.now()
            revision = revision_of(writer, name, alias)
            approval = Approval(
                name, alias, generation, number, actor, version.digest, at, revision
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
                    "generation": generation,
                    "revision": revision,
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
            return unmet_demands(reader, version, alias=alias)


def _check_policy(policy: AliasPolicy, *, known_keys: set[str]) -> None:
    if len(policy.requirements) + len(policy.signers) > _MOST_DEMANDS:
        raise AdmissionRefused(
            "policy", len(policy.requirements), because=f"{_MOST_DEMANDS} at most"
        )
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
