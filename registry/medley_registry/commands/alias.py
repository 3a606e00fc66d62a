"""`medley adapter promote` and `rollback`: moving aliases."""

from typing import Annotated

import typer

from medley_registry.aliases import Alias
from medley_registry.commands.actor import actor
from medley_registry.commands.decisions import print_decision
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    AdapterArgument,
    AliasOption,
    GenerationOption,
    JsonOption,
    VersionArgument,
)
from medley_registry.commands.recording import alias_record, decision_record
from medley_registry.commands.screen import print_json, print_line, print_note
from medley_registry.decisions import Decision
from medley_registry.errors import AliasProtected
from medley_registry.references import DEFAULT_ALIAS
from medley_registry.registry import Registry

app = typer.Typer()


@app.command()
@on_registry
def promote(
    registry: Registry,
    version: VersionArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    expected_generation: GenerationOption = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show what the alias demands, and every number found."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Point an alias at a version. Servers follow within a second.

    \b
    Examples:
      medley adapter promote discharge:2
      medley adapter promote discharge:3 --explain
      medley adapter promote discharge:3 --alias canary --expect-generation 4
    """
    try:
        moved = registry.promote(
            version.name,
            version.number,
            alias=alias,
            actor=actor(),
            expected_generation=expected_generation,
        )
    except AliasProtected:
        if explain:
            _explain(registry.protection.decisions(version.name, alias)[-1], as_json=as_json)
        raise
    decisions = registry.protection.decisions(version.name, alias) if explain else []
    made = [one for one in decisions if one.led_to(moved)]
    if made:
        _explain(made[-1], as_json=as_json)
    if explain and not made:
        print_note(f"{version.name}@{alias} demanded nothing")
    if not (made and as_json):
        _print_alias(moved, as_json=as_json)


def _explain(decision: Decision, *, as_json: bool) -> None:
    if as_json:
        print_json(decision_record(decision))
    else:
        print_decision(decision)


@app.command()
@on_registry
def rollback(
    registry: Registry,
    name: AdapterArgument,
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    expected_generation: GenerationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Point an alias back at its previous version. Repeated, it goes further back.

    \b
    Example:
      medley adapter rollback discharge
    """
    moved = registry.rollback(
        name, alias=alias, actor=actor(), expected_generation=expected_generation
    )
    _print_alias(moved, as_json=as_json)


def alias_line(alias: Alias) -> str:
    """Where an alias points, in one line."""
    target = f"{alias.adapter}:{alias.number}"
    return f"{alias.reference} is {target}, generation {alias.generation}"


def _print_alias(alias: Alias, *, as_json: bool) -> None:
    if as_json:
        print_json(alias_record(alias))
    else:
        print_line(alias_line(alias))
