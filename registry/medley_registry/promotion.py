"""Moving aliases: forward when a version satisfies what the alias demands, and back."""

from medley_registry import journal, lookup, rules
from medley_registry.adapters import Version
from medley_registry.aliases import Alias, AliasMove, MoveReason, rollback_targets
from medley_registry.errors import AliasProtected, NothingToRollBack
from medley_registry.evidence import Evidence
from medley_registry.index import IndexReader, IndexWriter
from medley_registry.policies import AliasPolicy, Approval, Protection
from medley_registry.trusting import check_signed, is_vouched, valid_signers


def promote(
    writer: IndexWriter, version: Version, *, alias: str, actor: str, expected: int | None
) -> Alias:
    """Point an alias at a version, unless it points there (see `Registry.promote`).

    Raises:
        StaleGeneration, NotServable, SignatureRefused, AliasProtected.
    """
    current = writer.one(Alias, adapter=version.adapter, name=alias)
    rules.check_generation(current, expected=expected)
    if current is not None and current.number == version.number:
        return current
    rules.check_promotable(version)
    check_signed(writer, version)  # what could not be checked out must not be promoted
    if unmet := unmet_demands(writer, version, alias=alias, promoter=actor):
        raise AliasProtected(f"{version.adapter}@{alias}", tuple(unmet))
    return journal.move_alias(
        writer, alias, version, current=current, actor=actor, reason=MoveReason.PROMOTE
    )


def step_back(writer: IndexWriter, current: Alias, *, actor: str, reason: MoveReason) -> Alias:
    """Point an alias at the nearest earlier target that may still be served and is vouched for.

    What the alias demands by now is not asked: going back to what was in use before must not wait
    for evidence or consent.

    Raises:
        NothingToRollBack: there is no such target.
    """
    moves = writer.all(AliasMove, adapter=current.adapter, alias=current.name)
    for number in rollback_targets(moves):
        version = lookup.find_number(writer, current.adapter, number)
        if number != current.number and version.state.is_servable and is_vouched(writer, version):
            return journal.move_alias(
                writer, current.name, version, current=current, actor=actor, reason=reason
            )
    raise NothingToRollBack(
        f"'{current.reference}' has no target before version {current.number} that may be served"
    )


def policy_of(reader: IndexReader, adapter: str, alias: str) -> AliasPolicy:
    """The policy in force, which demands nothing where none was set."""
    protections = reader.all(Protection, adapter=adapter, alias=alias)
    return protections[-1].policy if protections else AliasPolicy()


def revision_of(reader: IndexReader, adapter: str, alias: str) -> int:
    """Which of the alias's policies is in force, counted from 1; 0 where none was set."""
    return len(reader.all(Protection, adapter=adapter, alias=alias))


def unmet_demands(
    reader: IndexReader, version: Version, *, alias: str, promoter: str | None = None
) -> list[str]:
    """What the alias's policy demands and the version lacks, in words; empty if it may be moved."""
    policy = policy_of(reader, version.adapter, alias)
    evidence = reader.all(Evidence, adapter=version.adapter, number=version.number)
    unmet = []
    for requirement in policy.requirements:
        fitting = [one for one in evidence if requirement.is_about(one)]
        if not fitting or not requirement.is_met_by(fitting[-1]):
            unmet.append(str(requirement))
    if policy.signers:
        signers = valid_signers(reader, version)
        unmet += [f"a signature by {k[:12]}" for k in policy.signers if k not in signers]
    approvers = {approval.actor for approval in current_approvals(reader, version, alias=alias)}
    if (missing := policy.approvals - len(approvers - {promoter})) > 0:
        unmet.append(f"{missing} more approval{'s' * (missing > 1)} by others than the promoter")
    return unmet


def current_approvals(reader: IndexReader, version: Version, *, alias: str) -> list[Approval]:
    """The approvals that count for moving the alias to the version now."""
    current = reader.one(Alias, adapter=version.adapter, name=alias)
    return reader.all(
        Approval,
        adapter=version.adapter,
        alias=alias,
        generation=current.generation if current else 0,
        number=version.number,
        revision=revision_of(reader, version.adapter, alias),
    )
