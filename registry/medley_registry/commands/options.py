"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from medley_registry.commands.arguments import Numbered, numbered, reason
from medley_registry.commands.completing import (
    adapter_names,
    alias_names,
    base_names,
    references,
    version_references,
)

AdapterArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="An adapter.", show_default=False, autocompletion=adapter_names
    ),
]
ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="NAME (its production version), NAME@ALIAS, NAME:NUMBER or NAME@sha256:DIGEST.",
        show_default=False,
        autocompletion=references,
    ),
]
VersionArgument = Annotated[
    Numbered,
    typer.Argument(
        metavar="NAME:NUMBER",
        help="One version, as in discharge:2.",
        parser=numbered,
        show_default=False,
        autocompletion=version_references,
    ),
]
FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, show_default=False)
]
NewFolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", file_okay=False, show_default=False)
]
BaseOption = Annotated[
    str,
    typer.Option("--base", help="Its base model.", show_default=False, autocompletion=base_names),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="PLACE",
        help="A folder or a PostgreSQL URL; else MEDLEY_REGISTRY, else ~/.medley/registry.",
        show_default=False,
    ),
]
BlobsOption = Annotated[
    str | None,
    typer.Option(
        "--blobs",
        metavar="PLACE",
        help="Its bytes, if elsewhere: a folder or s3://bucket/prefix; else MEDLEY_BLOBS.",
        show_default=False,
    ),
]
TenantOption = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        metavar="NAME",
        help="One of several registries in that place; else MEDLEY_TENANT.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AliasOption = Annotated[str, typer.Option("--alias", help="The alias.", autocompletion=alias_names)]
OnlyAliasOption = Annotated[
    str | None,
    typer.Option(
        "--alias", help="Only this alias.", show_default=False, autocompletion=alias_names
    ),
]
GenerationOption = Annotated[
    int | None,
    typer.Option(
        "--expect-generation",
        min=0,
        help="Move only if the alias has this generation (0: does not exist yet).",
        show_default=False,
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(
        "--reason", metavar="TEXT", parser=reason, help="Why, in one line.", show_default=False
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="KEY.pem",
        exists=True,
        dir_okay=False,
        help="Sign with this private key; else MEDLEY_SIGNING_KEY, else ~/.medley/signing-key.pem.",
        show_default=False,
    ),
]
