"""`medley base …`."""

from pathlib import Path
from typing import Annotated

import typer

from medley_registry.commands.actor import actor
from medley_registry.commands.ancestry import read_object
from medley_registry.commands.completing import base_names
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption
from medley_registry.commands.recording import base_detail, base_record
from medley_registry.commands.screen import (
    moment,
    print_fields,
    print_json,
    print_line,
    print_table,
    progress_bar,
)
from medley_registry.registry import Registry

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Register base models, which adapters are checked against.",
)


@app.command()
@on_registry
def add(
    registry: Registry,
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", exists=True, file_okay=False, show_default=False)
    ],
    *,
    derived_from: Annotated[
        str | None,
        typer.Option(
            "--derived-from",
            metavar="BASE",
            help="The base it was quantized from.",
            show_default=False,
            autocompletion=base_names,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--recipe",
            metavar="FILE.json",
            exists=True,
            dir_okay=False,
            help="An object that tells how it was quantized.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Register the base model in PATH by the content of its files.

    \b
    Examples:
      medley base add smollm2-135m-instruct ~/.medley/bases/smollm2-135m-instruct
      medley base add smollm2-nf4 nf4/ --derived-from smollm2-135m-instruct \\
        --recipe nf4.json
    """
    told = read_object(recipe, what="recipe") if recipe else None
    with progress_bar("hashing") as progress:
        base = registry.add_base(
            name, path, actor=actor(), progress=progress, derived_from=derived_from, recipe=told
        )
    if as_json:
        print_json(base_record(base))
    else:
        print_line(f"{base.name}  {base.base_id}")


@app.command("list")
@on_registry
def list_(registry: Registry, *, as_json: JsonOption = False) -> None:
    """List the base models.

    \b
    Example:
      medley base list --json
    """
    bases = registry.bases()
    if as_json:
        print_json([base_record(base) for base in bases])
        return
    rows = [(base.name, base.base_id.hex[:12], base.architecture, base.path) for base in bases]
    print_table(("BASE", "ID", "ARCHITECTURE", "PATH"), rows)


@app.command()
@on_registry
def show(
    registry: Registry,
    name: Annotated[
        str, typer.Argument(metavar="NAME", show_default=False, autocompletion=base_names)
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show a base model and the digests that identify it.

    \b
    Example:
      medley base show smollm2-135m-instruct
    """
    base = registry.base(name)
    if as_json:
        print_json(base_detail(base))
        return
    origins = [b.name for b in registry.bases() if b.base_id == base.derived_from]
    print_fields(
        {
            "base": base.name,
            "id": base.base_id,
            "weights": base.weights_digest,
            "config": base.config_digest,
            "tokens": base.tokenizer_digest,
            "chat": base.chat_template_digest or "no chat template",
            "class": base.architecture,
            "modules": f"{len(base.module_shapes)} with a two-dimensional weight",
            **({"from": origins[0] if origins else base.derived_from} if base.derived_from else {}),
            "path": base.path,
            "added": moment(base.created_at),
        }
    )
