"""`medley adapter pull`, `export`, `import` and `sign`: versions that leave or enter."""

from pathlib import Path
from typing import Annotated

import typer

from medley_registry.commands.actor import actor
from medley_registry.commands.completing import adapter_names, base_names
from medley_registry.commands.keys import public_key_in
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    JsonOption,
    KeyOption,
    NewFolderArgument,
    ReferenceArgument,
)
from medley_registry.commands.recording import signature_record, version_record
from medley_registry.commands.screen import print_json, print_line, progress_bar
from medley_registry.own_key import signer_for, some_signer
from medley_registry.registry import Registry

app = typer.Typer()


@app.command()
@on_registry
def pull(registry: Registry, reference: ReferenceArgument, folder: NewFolderArgument) -> None:
    """Write a version's files, each verified, to a new folder.

    \b
    Examples:
      medley adapter pull discharge adapter/
      medley adapter pull discharge@sha256:91562d301687 adapter/
    """
    version = registry.resolve(reference)
    with progress_bar("pulling"):
        print_line(str(registry.pull(version, folder)))


@app.command()
@on_registry
def export(
    registry: Registry,
    reference: ReferenceArgument,
    folder: NewFolderArgument,
    *,
    key: KeyOption = None,
) -> None:
    """Write a version as a folder that stands alone.

    In the layout of the Hugging Face hub, it holds the adapter, a model card, the record with
    evidence and lineage, signatures and a bill of materials: what it takes to verify the version
    elsewhere, and to import it there.

    \b
    Example:
      medley adapter export discharge:3 discharge-3/
    """
    from medley_registry.exchange import export_version

    signer = signer_for(registry, key)
    with progress_bar("exporting") as progress:
        written = export_version(registry, reference, folder, signer=signer, progress=progress)
    print_line(str(written))


@app.command("import")
@on_registry
def import_(
    registry: Registry,
    source: Annotated[str, typer.Argument(metavar="SRC", show_default=False)],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="The adapter; an exported version brings its own.",
            show_default=False,
            autocompletion=adapter_names,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="Its base model; found by content for an exported version.",
            show_default=False,
            autocompletion=base_names,
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust",
            metavar="KEY.pem",
            exists=True,
            dir_okay=False,
            help="A public key that must have signed it, if none trusted here did.",
            show_default=False,
        ),
    ] = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a version in from a folder, or from the Hugging Face hub.

    SRC is what `export` wrote, or a folder with a PEFT adapter, here or on the hub.

    \b
    Examples:
      medley adapter import discharge-3/
      medley adapter import peft-output/ --name discharge --base tiny
      medley adapter import hf://owner/adapter@COMMIT --name discharge --base tiny
    """
    from medley_registry.exchange import import_version

    signer = signer_for(registry, key)
    with progress_bar("importing") as progress:
        version = import_version(
            registry,
            source,
            name=name,
            base=base,
            actor=actor(),
            signer=signer,
            trust=public_key_in(trust) if trust else None,
            progress=progress,
        )
    if as_json:
        print_json(version_record(version, aliases=registry.aliases(version.adapter)))
    else:
        print_line(f"{version.reference}  {version.digest}")


@app.command()
@on_registry
def sign(
    registry: Registry,
    reference: ReferenceArgument,
    *,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a signature by a trusted key to a version.

    \b
    Example:
      medley adapter sign discharge:3 --key reviewer.pem
    """
    version = registry.resolve(reference)
    signature = registry.trust.sign(
        version.adapter, version.number, signer=some_signer(key), actor=actor()
    )
    if as_json:
        print_json(signature_record(signature, keys=registry.trust.keys()))
    else:
        print_line(f"{version.reference} is signed by key {signature.key_id}")
