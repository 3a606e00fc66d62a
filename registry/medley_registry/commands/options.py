"""Options that several commands share."""

from typing import Annotated

import typer

RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="FOLDER",
        help="The registry; else MEDLEY_REGISTRY, else ~/.medley/registry.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AliasOption = Annotated[str, typer.Option("--alias", help="The alias to move.")]
GenerationOption = Annotated[
    int | None,
    typer.Option(
        "--expect-generation",
        min=0,
        help="Move only if the alias has this generation (0: does not exist yet).",
        show_default=False,
    ),
]
