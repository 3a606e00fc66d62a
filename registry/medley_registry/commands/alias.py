"""`medley adapter promote` and `rollback`: moving aliases."""

import typer

from medley_registry.aliases import Alias
from medley_registry.commands.actor import actor
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    AdapterArgument,
    AliasOption,
    GenerationOption,
    JsonOption,
    VersionArgument,
)
from medley_registry.commands.recording import alias_record
from medley_registry.commands.screen import print_json, print_line
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
    as_json: JsonOption = False,
) -> None:
    """Point an alias at a version. Servers follow within a second.

    \b
    Examples:
      medley adapter promote discharge:2
      medley adapter promote discharge:3 --alias canary --expect-generation 4
    """
    moved = registry.promote(
        version.name,
        version.number,
        alias=alias,
        actor=actor(),
        expected_generation=expected_generation,
    )
    _print_alias(moved, as_json=as_json)


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
