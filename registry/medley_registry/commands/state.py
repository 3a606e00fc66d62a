"""`medley adapter admit`, `retire`, `revoke` and so on: what becomes of a version."""

from typing import Annotated

import typer

from medley_registry.adapters import Version
from medley_registry.commands.actor import actor
from medley_registry.commands.alias import alias_line
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    JsonOption,
    ReasonOption,
    ReferenceArgument,
    VersionArgument,
    YesOption,
)
from medley_registry.commands.recording import alias_record, tombstone_record, version_record
from medley_registry.commands.records import RevocationRecord
from medley_registry.commands.screen import confirm, print_json, print_line
from medley_registry.registry import Registry

app = typer.Typer()


@app.command()
@on_registry
def retire(
    registry: Registry,
    version: VersionArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, in one line.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Deprecate a version. No alias moves to it any more; those that point at it stay.

    \b
    Example:
      medley adapter retire discharge:1 --reason "superseded by round 4"
    """
    changed = registry.lifecycle.deprecate(*version, actor=actor(), reason=reason)
    _print_state(registry, changed, as_json=as_json)


@app.command()
@on_registry
def validate(registry: Registry, version: VersionArgument, *, as_json: JsonOption = False) -> None:
    """Check a version's bytes and signature again. It may be admitted then.

    \b
    Example:
      medley adapter validate discharge:4
    """
    changed = registry.lifecycle.validate(*version, actor=actor())
    _print_state(registry, changed, as_json=as_json)


@app.command()
@on_registry
def admit(registry: Registry, version: VersionArgument, *, as_json: JsonOption = False) -> None:
    """Let a validated or a retired version be promoted.

    \b
    Example:
      medley adapter admit discharge:4
    """
    changed = registry.lifecycle.admit(*version, actor=actor())
    _print_state(registry, changed, as_json=as_json)


@app.command()
@on_registry
def quarantine(
    registry: Registry,
    version: VersionArgument,
    *,
    reason: ReasonOption,
    as_json: JsonOption = False,
) -> None:
    """Hold a version back until it is validated again. Aliases step back from it.

    \b
    Example:
      medley adapter quarantine discharge:4 --reason "wrong doses in chart 12"
    """
    changed = registry.lifecycle.quarantine(*version, actor=actor(), reason=reason)
    _print_state(registry, changed, as_json=as_json)


@app.command()
@on_registry
def revoke(
    registry: Registry,
    reference: ReferenceArgument,
    *,
    reason: ReasonOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take content back for ever. In every adapter that has it, aliases step back from it.

    Refused if an alias has no earlier version to go back to. On a terminal it asks first.

    \b
    Example:
      medley adapter revoke discharge:4 --reason "trained on a withdrawn chart"
    """
    version = registry.resolve(reference)
    pointing = [a.reference for a in registry.aliases() if a.digest == version.digest]
    leaving = f" {', '.join(pointing)} will step back." if pointing else ""
    confirm(
        f"{version.reference} ({version.digest}) will never be served again.{leaving} Revoke it?",
        is_sure=yes,
    )
    moved = registry.lifecycle.revoke(version.digest, actor=actor(), reason=reason)
    if as_json:
        record: RevocationRecord = {
            "digest": str(version.digest),
            "reason": reason,
            "moved": [alias_record(alias) for alias in moved],
        }
        print_json(record)
        return
    print_line(f"{version.reference} is revoked: {version.digest}")
    for alias in moved:
        print_line(alias_line(alias))


@app.command()
@on_registry
def delete(
    registry: Registry,
    version: VersionArgument,
    *,
    reason: ReasonOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give up a version's bytes; its number and this reason stay.

    Refused while an alias points at it. `medley registry gc` removes the bytes in time. On a
    terminal it asks first.

    \b
    Example:
      medley adapter delete discharge:1 --reason "published by mistake"
    """
    confirm(f"{version.name}:{version.number} cannot be had back. Delete it?", is_sure=yes)
    tombstone = registry.lifecycle.delete(*version, actor=actor(), reason=reason)
    if as_json:
        print_json(tombstone_record(tombstone))
    else:
        print_line(f"{version.name}:{version.number} is deleted")


def _print_state(registry: Registry, version: Version, *, as_json: bool) -> None:
    if as_json:
        print_json(version_record(version, aliases=registry.aliases(version.adapter)))
    else:
        print_line(f"{version.reference} is {version.state}")
