"""`medley adapter …`: publish, list, show; the rest is added from its neighbours."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from medley_registry.adapters import Version, VersionState
from medley_registry.aliases import Alias
from medley_registry.commands import (
    alias,
    decisions,
    diff,
    evidence,
    exchange,
    history,
    protection,
    state,
    traffic,
    verification,
)
from medley_registry.commands.actor import actor
from medley_registry.commands.ancestry import lineage_fields, lineage_of
from medley_registry.commands.completing import adapter_names
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    BaseOption,
    FolderArgument,
    JsonOption,
    KeyOption,
    ReferenceArgument,
)
from medley_registry.commands.recording import (
    adapter_record,
    signature_record,
    version_detail,
    version_record,
)
from medley_registry.commands.records import SignatureRecord
from medley_registry.commands.screen import (
    moment,
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
    progress_bar,
    size,
)
from medley_registry.own_key import signer_for
from medley_registry.registry import Registry

FirstState = Literal["draft", "quarantined", "validated", "admitted"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Publish adapters, and decide which version is in use.",
)


@app.command()
@on_registry
def publish(
    registry: Registry,
    folder: FolderArgument,
    *,
    name: Annotated[str, typer.Option("--name", help="The adapter.", show_default=False)],
    base: BaseOption,
    round_: Annotated[
        int | None,
        typer.Option("--round", min=1, help="The federated round.", show_default=False),
    ] = None,
    note: Annotated[str, typer.Option("--note", help="One line for people.")] = "",
    state: Annotated[FirstState, typer.Option("--state", help="Where it begins.")] = "admitted",
    key: KeyOption = None,
    parents: Annotated[
        list[str] | None,
        typer.Option(
            "--parent",
            metavar="REF:RELATION",
            help="A version it came from, as in discharge:2:trained_from; may be repeated.",
            show_default=False,
        ),
    ] = None,
    lineage: Annotated[
        Path | None,
        typer.Option(
            "--lineage",
            metavar="FILE.json",
            exists=True,
            dir_okay=False,
            help="Parents, contributions, run, recipe, strategy and origin.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add the adapter in DIR, as PEFT saves it, as a new version. No alias moves.

    Content that is published already keeps its version.

    \b
    Examples:
      medley adapter publish out/ --name discharge --base smollm2-135m-instruct
      medley adapter publish out/ --name discharge --base smollm2-135m-instruct \\
        --round 4 --parent discharge:3:aggregated_from --state quarantined
    """
    with progress_bar("checking") as progress:
        version = registry.publish(
            folder,
            name=name,
            base=base,
            actor=actor(),
            round=round_,
            note=note,
            lineage=lineage_of(registry, lineage, parents or []),
            state=VersionState(state),
            signer=signer_for(registry, key),
            progress=progress,
        )
    if as_json:
        print_json(version_record(version, aliases=registry.aliases(name)))
    else:
        print_line(f"{version.reference}  {version.digest}")


@app.command("list")
@on_registry
def list_(
    registry: Registry,
    name: Annotated[
        str | None,
        typer.Argument(
            help="List this adapter's versions.", show_default=False, autocompletion=adapter_names
        ),
    ] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 50,
    before: Annotated[
        int | None,
        typer.Option("--before", min=1, help="Numbered below this.", show_default=False),
    ] = None,
    state: Annotated[
        VersionState | None,
        typer.Option("--state", help="In this state only.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the adapters, or one adapter's newest versions.

    \b
    Examples:
      medley adapter list
      medley adapter list discharge --state admitted --json
      medley adapter list discharge --limit 20 --before 81
    """
    if name is None:
        _list_adapters(registry, as_json=as_json)
        return
    page = _page(registry, name, before=before, limit=limit, state=state)
    _list_versions(page, registry.aliases(name), as_json=as_json)
    if len(page) == limit and page[0].number > 1:
        print_note(f"older ones: medley adapter list {name} --before {page[0].number}")


def _list_adapters(registry: Registry, *, as_json: bool) -> None:
    aliases = registry.aliases()
    found = [
        (
            adapter,
            registry.version_count(adapter.name),
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


def _page(
    registry: Registry, name: str, *, before: int | None, limit: int, state: VersionState | None
) -> list[Version]:
    """The newest versions in this state below `before`, oldest first."""
    found: list[Version] = []
    while len(found) < limit:
        page = registry.versions(name, before=before, limit=limit)
        found = [v for v in page if state in (None, v.state)] + found
        if len(page) < limit:
            break
        before = page[0].number
    return found[-limit:]


def _list_versions(versions: list[Version], aliases: list[Alias], *, as_json: bool) -> None:
    if as_json:
        print_json([version_record(version, aliases=aliases) for version in versions])
        return
    rows = [
        (
            version.reference,
            version.state.value,
            version.digest.hex[:12],
            version.rank,
            size(version.size_bytes),
            _names(aliases, pointing_at=version),
            version.note,
        )
        for version in versions
    ]
    print_table(("VERSION", "STATE", "DIGEST", "RANK", "SIZE", "ALIASES", "NOTE"), rows)


def _names(aliases: list[Alias], *, pointing_at: Version) -> str:
    return ", ".join(alias.name for alias in aliases if alias.number == pointing_at.number)


@app.command()
@on_registry
def show(registry: Registry, reference: ReferenceArgument, *, as_json: JsonOption = False) -> None:
    """Show one version.

    \b
    Examples:
      medley adapter show discharge
      medley adapter show discharge:2 --json
    """
    version = registry.resolve(reference)
    name, number = version.adapter, version.number
    keys = registry.trust.keys()
    signatures = registry.trust.signatures(name, number)
    aliases = registry.aliases(name)
    detail = version_detail(
        version,
        aliases=aliases,
        variants=registry.evidence.variants(name, number),
        evidence=registry.evidence.of(name, number),
        signatures=[signature_record(signature, keys=keys) for signature in signatures],
        revocation=registry.lifecycle.revocation(version.digest),
    )
    if as_json:
        print_json(detail)
        return
    because = detail["withdrawn_because"]
    print_fields(
        {
            "version": version.reference,
            "digest": version.digest,
            "state": version.state.value + (f": {because}" if because else ""),
            "aliases": _names(aliases, pointing_at=version) or "none",
            "base": f"{version.base} ({version.base_id.hex[:12]})",
            "rank": f"{version.rank}, alpha {version.alpha:g}",
            "modules": ", ".join(version.target_modules),
            "round": version.round or "none",
            "note": version.note or "none",
            "created": f"{moment(version.created_at)} by {version.published_by}",
            "signed": _signers(detail["signatures"]) or "no",
            **lineage_fields(version),
            "variants": ", ".join(v["kind"] for v in detail["variants"]),
            "evidence": len(detail["evidence"]) or "none",
            "files": ", ".join(f"{f.path} {size(f.size)}" for f in version.manifest.files),
        }
    )


def _signers(signatures: list[SignatureRecord]) -> str:
    return ", ".join(f"{s['key_name']} ({s['key_id'][:12]})" for s in signatures)


for part in (
    alias,
    history,
    state,
    protection,
    decisions,
    traffic,
    evidence,
    verification,
    exchange,
    diff,
):
    app.add_typer(part.app)
