"""`medley adapter …`."""

from pathlib import Path
from typing import Annotated

import typer

from medley_registry.adapters import Alias, Version
from medley_registry.commands.actor import actor
from medley_registry.commands.options import (
    AliasOption,
    GenerationOption,
    JsonOption,
    RegistryOption,
)
from medley_registry.commands.records import adapter_record, move_record, version_record
from medley_registry.commands.screen import (
    moment,
    print_fields,
    print_json,
    print_line,
    print_table,
    size,
)
from medley_registry.opening import open_registry
from medley_registry.references import DEFAULT_ALIAS, Reference
from medley_registry.registry import Registry

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Publish adapters, list them, and decide which version is in use.",
)


@app.command()
def publish(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, show_default=False)
    ],
    *,
    name: Annotated[str, typer.Option("--name", help="The adapter.", show_default=False)],
    base: Annotated[str, typer.Option("--base", help="Its base model.", show_default=False)],
    round_: Annotated[
        int | None,
        typer.Option("--round", min=1, help="The federated round.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="One line for people.")] = "",
    registry: RegistryOption = None,
) -> None:
    """Add the adapter in DIR, as PEFT saves it, as a new version. No alias moves.

    Content that is published already keeps its version.

    \b
    Example:
      medley adapter publish out/ --name discharge --base smollm2-135m-instruct
    """
    with open_registry(registry) as opened:
        version = opened.publish(
            folder, name=name, base=base, actor=actor(), round=round_, note=note
        )
    print_line(f"{version.reference}  {version.digest}")


@app.command("list")
def list_(
    name: Annotated[
        str | None, typer.Argument(help="List this adapter's versions.", show_default=False)
    ] = None,
    *,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
) -> None:
    """List the adapters, or one adapter's versions.

    \b
    Examples:
      medley adapter list
      medley adapter list discharge --json
    """
    with open_registry(registry) as opened:
        if name is None:
            _list_adapters(opened, as_json=as_json)
        else:
            _list_versions(opened, name, as_json=as_json)


def _list_adapters(registry: Registry, *, as_json: bool) -> None:
    aliases = registry.aliases()
    found = [
        (
            adapter,
            len(registry.versions(adapter.name)),
            [alias for alias in aliases if alias.adapter == adapter.name],
        )
        for adapter in registry.adapters()
    ]
    if as_json:
        print_json([adapter_record(a, versions=count, aliases=own) for a, count, own in found])
        return
    rows = [
        (
            adapter.name,
            adapter.base,
            count,
            ", ".join(f"{alias.name}:{alias.number}" for alias in own),
        )
        for adapter, count, own in found
    ]
    print_table(("ADAPTER", "BASE", "VERSIONS", "ALIASES"), rows)


def _list_versions(registry: Registry, name: str, *, as_json: bool) -> None:
    versions = registry.versions(name)
    aliases = registry.aliases(name)
    if as_json:
        print_json([version_record(version, aliases=aliases) for version in versions])
        return
    rows = [
        (
            version.reference,
            version.digest.hex[:12],
            version.rank,
            size(version.size_bytes),
            _names(aliases, pointing_at=version),
            version.note,
        )
        for version in versions
    ]
    print_table(("VERSION", "DIGEST", "RANK", "SIZE", "ALIASES", "NOTE"), rows)


def _names(aliases: list[Alias], *, pointing_at: Version) -> str:
    return ", ".join(alias.name for alias in aliases if alias.number == pointing_at.number)


@app.command()
def show(
    reference: Annotated[str, typer.Argument(metavar="REF", show_default=False)],
    *,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
) -> None:
    """Show one version.

    REF is NAME (its production version), NAME@ALIAS, NAME:NUMBER or NAME@sha256:DIGEST.

    \b
    Examples:
      medley adapter show discharge
      medley adapter show discharge:2 --json
    """
    with open_registry(registry) as opened:
        version = opened.resolve(reference)
        aliases = opened.aliases(version.adapter)
    if as_json:
        print_json(version_record(version, aliases=aliases))
        return
    print_fields(
        {
            "version": version.reference,
            "digest": version.digest,
            "state": version.state.value,
            "aliases": _names(aliases, pointing_at=version) or "none",
            "base": f"{version.base} ({version.base_id.hex[:12]})",
            "rank": f"{version.rank}, alpha {version.alpha:g}",
            "modules": ", ".join(version.target_modules),
            "round": version.round or "none",
            "note": version.note or "none",
            "published": f"{moment(version.created_at)} by {version.published_by}",
            **{entry.path: size(entry.size) for entry in version.manifest.files},
        }
    )


@app.command()
def promote(
    reference: Annotated[str, typer.Argument(metavar="NAME:NUMBER", show_default=False)],
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    expected_generation: GenerationOption = None,
    registry: RegistryOption = None,
) -> None:
    """Point an alias at a version. Servers follow within a second.

    \b
    Examples:
      medley adapter promote discharge:2
      medley adapter promote discharge:3 --alias canary --expect-generation 4
    """
    wanted = Reference.parse(reference)
    if wanted.number is None:
        raise typer.BadParameter("name one version, as in discharge:2", param_hint="NAME:NUMBER")
    with open_registry(registry) as opened:
        moved = opened.promote(
            wanted.adapter,
            wanted.number,
            alias=alias,
            actor=actor(),
            expected_generation=expected_generation,
        )
    print_line(
        f"{moved.reference} is {moved.adapter}:{moved.number}, generation {moved.generation}"
    )


@app.command()
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    alias: AliasOption = DEFAULT_ALIAS,
    expected_generation: GenerationOption = None,
    registry: RegistryOption = None,
) -> None:
    """Point an alias back at its previous version; again, one further back.

    \b
    Example:
      medley adapter rollback discharge
    """
    with open_registry(registry) as opened:
        moved = opened.rollback(
            name, alias=alias, actor=actor(), expected_generation=expected_generation
        )
    print_line(
        f"{moved.reference} is {moved.adapter}:{moved.number}, generation {moved.generation}"
    )


@app.command()
def history(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Only this alias.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
) -> None:
    """Show every move of an adapter's aliases, and who made it.

    \b
    Example:
      medley adapter history discharge --alias production
    """
    with open_registry(registry) as opened:
        moves = opened.history(name, alias=alias)
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
