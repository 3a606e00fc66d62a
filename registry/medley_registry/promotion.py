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
from medley_registry.index import IndexWriter
from medley_registry.trusting import check_signed, is_vouched


def promote(
    writer: IndexWriter,
    version: Version,
    *,
    alias: str,
    actor: str,
    expected: int | None,
    weighing: Weighing,
) -> Alias | AliasProtected:
    """Point an alias at a version, unless it points there (see `Registry.promote`).

    What the alias demands is weighed again if it is not as it was when `weighing` was made.

    Returns:
        The alias; or, if it demands what the version lacks, the refusal, to be raised when the
        decision that is recorded with it is durable.

    Raises:
        StaleGeneration, NotServable, SignatureRefused.
    """
    current = writer.one(Alias, adapter=version.adapter, name=alias)
    rules.check_generation(current, expected=expected)
    if current is not None and current.number == version.number:
        return current
    rules.check_promotable(version)
    check_signed(writer, version)  # what could not be checked out must not be promoted
    case = Case.read(writer, version, alias=alias)
    if not case.policy.is_empty():
        weighed = weighing.weighed if weighing.case == case else weigh(case, writer).weighed
        judgement = Judgement.read(writer, case, weighed, promoter=actor)
        _record_decision(writer, judgement, actor=actor)
        if lacks := judgement.lacks():
            return AliasProtected(f"{version.adapter}@{alias}", tuple(lacks))
    return journal.move_alias(
        writer, alias, version, current=current, actor=actor, reason=MoveReason.PROMOTE
    )


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
