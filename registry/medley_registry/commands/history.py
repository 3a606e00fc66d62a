"""`medley adapter history`: every move of an alias, or what it pointed at on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer

from medley_registry.aliases import AliasMove
from medley_registry.commands.arguments import Span, span
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import AdapterArgument, JsonOption, OnlyAliasOption
from medley_registry.commands.recording import move_record
from medley_registry.commands.records import TenureRecord
from medley_registry.commands.screen import moment, print_json, print_note, print_table
from medley_registry.registry import Registry
from medley_registry.timestamps import to_text

app = typer.Typer()


@app.command()
@on_registry
def history(
    registry: Registry,
    name: AdapterArgument,
    *,
    alias: OnlyAliasOption = None,
    at: Annotated[
        Span | None,
        typer.Option(
            "--at",
            parser=span,
            metavar="DAY|TIME",
            help="What they pointed at then; UTC, if no offset says otherwise.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every move of an adapter's aliases, and who made it.

    With --at: what was in use on that day, or at that time, and who let it.

    \b
    Examples:
      medley adapter history discharge --alias production
      medley adapter history discharge --at 2026-11-20
      medley adapter history discharge --at 2026-11-20T14:30+01:00
    """
    moves = registry.history(name, alias=alias)
    if at is not None:
        _print_tenures([t for t in tenures(moves) if t.overlaps(at)], as_json=as_json)
        return
    if as_json:
        print_json([move_record(move) for move in moves])
        return
    rows = [
        (
            moment(move.at),
            move.alias,
            move.generation,
            f"{move.from_number or '-'} → {move.to_number}",
            move.reason.value,
            move.actor,
        )
        for move in moves
    ]
    print_table(("AT", "ALIAS", "GEN", "MOVE", "REASON", "ACTOR"), rows)


@dataclass(frozen=True, slots=True)
class Tenure:
    """The time for which a move stood; ``until`` is None while it does."""

    move: AliasMove
    until: datetime | None

    def overlaps(self, span: Span) -> bool:
        return self.move.at <= span.end and (self.until is None or self.until > span.begin)


def tenures(moves: Sequence[AliasMove]) -> list[Tenure]:
    """What each alias pointed at, and from when to when."""
    found = []
    in_order = sorted(moves, key=lambda move: (move.alias, move.generation))
    for _, own in groupby(in_order, key=lambda move: move.alias):
        of_alias = [*own]
        ends = [*(move.at for move in of_alias[1:]), None]
        found += [Tenure(*pair) for pair in zip(of_alias, ends, strict=True)]
    return found


def _print_tenures(found: Sequence[Tenure], *, as_json: bool) -> None:
    if as_json:
        print_json([_record(tenure) for tenure in found])
        return
    if not found:
        print_note("no alias pointed anywhere then")
        return
    rows = [
        (
            tenure.move.alias,
            tenure.move.to_number,
            moment(tenure.move.at),
            moment(tenure.until) if tenure.until else "now",
            tenure.move.reason.value,
            tenure.move.actor,
        )
        for tenure in found
    ]
    print_table(("ALIAS", "VERSION", "SINCE", "UNTIL", "REASON", "ACTOR"), rows)


def _record(tenure: Tenure) -> TenureRecord:
    move = tenure.move
    return {
        "adapter": move.adapter,
        "alias": move.alias,
        "number": move.to_number,
        "generation": move.generation,
        "reason": move.reason.value,
        "actor": move.actor,
        "since": to_text(move.at),
        "until": to_text(tenure.until) if tenure.until else None,
    }
