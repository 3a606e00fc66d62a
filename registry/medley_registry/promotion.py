"""Moving aliases: forward when a version satisfies what the alias demands, and back."""

from medley_registry import journal, lookup, rules
from medley_registry.adapters import Version
from medley_registry.aliases import Alias, AliasMove, MoveReason, rollback_targets
from medley_registry.decisions import Decision, Outcome
from medley_registry.errors import AliasProtected, NothingToRollBack
from medley_registry.events import EventKind
from medley_registry.gate.case import Case
from medley_registry.gate.deciding import Judgement
from medley_registry.gate.weighing import Weighing, weigh
from medley_registry.index import IndexReader, IndexWriter
from medley_registry.trusting import check_signed, is_vouched


def promote(
    writer: IndexWriter,
    version: Version,
    *,
    alias: str,
    actor: str,
    expected: int | None,
    weighing: Weighing | None,
) -> Alias | AliasProtected | None:
    """Point an alias at a version, unless it points there (see `Registry.promote`).

    Returns:
        The alias; or, if it demands what the version lacks, the refusal, to be raised when the
        decision that is recorded with it is durable; or None if things are no longer as they were
        when they were weighed.

    Raises:
        StaleGeneration, NotServable, SignatureRefused.
    """
    current = writer.one(Alias, adapter=version.adapter, name=alias)
    if is_there(writer, version, current=current, expected=expected):
        return current
    case = Case.read(writer, version, alias=alias)
    if case.pairings and (weighing is None or weighing.case != case):
        return None
    if not case.policy.is_empty():
        weighed = weighing.weighed if weighing and case.pairings else ()
        judgement = Judgement.read(writer, case, weighed, promoter=actor)
        _record_decision(writer, judgement, actor=actor)
        if lacks := judgement.lacks():
            return AliasProtected(f"{version.adapter}@{alias}", tuple(lacks))
    return journal.move_alias(
        writer, alias, version, current=current, actor=actor, reason=MoveReason.PROMOTE
    )


def is_there(
    reader: IndexReader, version: Version, *, current: Alias | None, expected: int | None
) -> bool:
    """Whether the alias, as it stands, points at the version; else whether it may be asked to.

    Raises:
        StaleGeneration, NotServable, SignatureRefused.
    """
    rules.check_generation(current, expected=expected)
    if current is not None and current.number == version.number:
        return True
    rules.check_promotable(version)
    check_signed(reader, version)  # what could not be checked out must not be promoted
    return False


def weigh_demands(
    reader: IndexReader, version: Version, *, alias: str, expected: int | None
) -> Weighing | None:
    """What the alias demands, weighed outside the lock; None if it points there already.

    Raises:
        StaleGeneration, NotServable, SignatureRefused.
    """
    current = reader.one(Alias, adapter=version.adapter, name=alias)
    if is_there(reader, version, current=current, expected=expected):
        return None
    return weigh(Case.read(reader, version, alias=alias), reader)


def _record_decision(writer: IndexWriter, judgement: Judgement, *, actor: str) -> None:
    """Keep a decision, unless it is the last one once more: asking again changes nothing."""
    case = judgement.case
    place = {"adapter": case.candidate.adapter, "alias": case.alias, "generation": case.generation}
    before = writer.all(Decision, **place)
    decision = judgement.decide(ordinal=len(before) + 1, actor=actor)
    if before and before[-1].outcome is Outcome.REFUSED and before[-1].is_again(decision):
        return
    writer.add(decision)
    journal.record(
        writer,
        EventKind.GATE_DECIDED,
        subject=f"{decision.adapter}@{decision.alias}",
        actor=actor,
        payload={
            "adapter": decision.adapter,
            "alias": decision.alias,
            "generation": decision.generation,
            "ordinal": decision.ordinal,
            "number": decision.number,
            "digest": str(decision.digest),
            "outcome": decision.outcome.value,
        },
        at=decision.at,
        records=[decision],
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
