"""Aliases, the moves that brought them where they are, and what was demanded of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from medley_registry.adapters import Version
from medley_registry.aliases import Alias, AliasMove
from medley_registry.findings import Code, Finding
from medley_registry.policies import Approval, Protection
from medley_registry.traffic import TrafficRule
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.naming import name_of


def check_aliases(facts: Facts) -> Iterator[Finding]:
    moves: dict[tuple[str, str], list[AliasMove]] = defaultdict(list)
    for move in facts.all(AliasMove):
        moves[move.adapter, move.alias].append(move)
    for alias in facts.all(Alias):
        made = sorted(moves.pop((alias.adapter, alias.name), []), key=lambda m: m.generation)
        yield from _check_moves(alias, made)
        yield from _check_target(facts, alias)
    for adapter, name in moves:
        yield Finding(Code.ALIAS_POSITION, f"{adapter}@{name}", "has moves, and is not there")


def check_policies(facts: Facts) -> Iterator[Finding]:
    yield from _check_revisions(facts.all(Protection), Code.POLICY_REVISIONS)
    yield from _check_revisions(facts.all(TrafficRule), Code.TRAFFIC_REVISIONS)
    for approval in facts.all(Approval):
        version = facts.one(Version, approval.adapter, approval.number)
        if version is None or version.digest != approval.digest:
            subject = f"{approval.adapter}:{approval.number} by {approval.actor}"
            yield Finding(Code.APPROVAL_WRONG, subject, f"is for {approval.digest}")


def _check_revisions(
    records: Sequence[Protection] | Sequence[TrafficRule], code: Code
) -> Iterator[Finding]:
    revisions: dict[str, list[int]] = defaultdict(list)
    for record in records:
        revisions[f"{record.adapter}@{record.alias}"].append(record.revision)
    for subject, found in revisions.items():
        if sorted(found) != [*range(1, len(found) + 1)]:
            yield Finding(code, subject, f"has the revisions {sorted(found)}")


def _check_moves(alias: Alias, moves: Sequence[AliasMove]) -> Iterator[Finding]:
    if not moves:
        yield Finding(Code.ALIAS_WITHOUT_MOVES, name_of(alias), "nothing moved it there")
        return
    targets = [move.to_number for move in moves]
    is_dense = [move.generation for move in moves] == [*range(1, len(moves) + 1)]
    if not is_dense or [move.from_number for move in moves] != [None, *targets[:-1]]:
        because = "its moves do not join one to the next"
        yield Finding(Code.ALIAS_GENERATIONS, name_of(alias), because)
    last = moves[-1]
    stands = (alias.generation, alias.number, alias.updated_at)
    if stands != (last.generation, last.to_number, last.at):
        because = (
            f"is at version {alias.number}, generation {alias.generation}; its last move is to "
            f"version {last.to_number}, generation {last.generation}"
        )
        yield Finding(Code.ALIAS_POSITION, name_of(alias), because)


def _check_target(facts: Facts, alias: Alias) -> Iterator[Finding]:
    version = facts.one(Version, alias.adapter, alias.number)
    if version is None:
        because = f"version {alias.number} is not there"
        yield Finding(Code.ALIAS_TARGET, name_of(alias), because)
        return
    if version.digest != alias.digest:
        because = f"has {alias.digest}, and version {version.number} is {version.digest}"
        yield Finding(Code.ALIAS_DIGEST, name_of(alias), because)
    if not version.state.is_servable:
        because = f"version {version.number} is {version.state}"
        yield Finding(Code.ALIAS_TARGET, name_of(alias), because)
