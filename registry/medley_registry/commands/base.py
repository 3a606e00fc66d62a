"""`medley base …`."""

from pathlib import Path
from typing import Annotated

import typer

from medley_registry.base_folder import Progress
from medley_registry.canonical import Json
from medley_registry.commands.actor import actor
from medley_registry.commands.options import JsonOption, RegistryOption
from medley_registry.commands.records import base_record
from medley_registry.commands.screen import (
    moment,
    print_fields,
    print_json,
    print_line,
    print_table,
)
from medley_registry.opening import open_registry

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Register base models, which adapters are checked against.",
)


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    path: Annotated[
        Path, typer.Argument(metavar="PATH", exists=True, file_okay=False, show_default=False)
    ],
    *,
    registry: RegistryOption = None,
) -> None:
    """Register the base model in the folder PATH, by the content of its files.

    \b
    Example:
      medley base add smollm2-135m-instruct ~/.medley/bases/smollm2-135m-instruct
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = ("hashing", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with (
        open_registry(registry) as opened,
        Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("")
        progress: Progress = lambda done, total: bar.update(task, completed=done, total=total)  # noqa: E731
        base = opened.add_base(name, path, actor=actor(), progress=progress)
    print_line(f"{base.name}  {base.base_id}")


@app.command("list")
def list_(*, as_json: JsonOption = False, registry: RegistryOption = None) -> None:
    """List the base models."""
    with open_registry(registry) as opened:
        bases = opened.bases()
    if as_json:
        print_json([base_record(base) for base in bases])
        return
    rows = [(base.name, base.base_id.hex[:12], base.architecture, base.path) for base in bases]
    print_table(("BASE", "ID", "ARCHITECTURE", "PATH"), rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)],
    *,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
) -> None:
    """Show a base model and the digests that identify it."""
    with open_registry(registry) as opened:
        base = opened.base(name)
    record = base_record(base)
    if as_json:
        shapes: Json = {module: [*shape] for module, shape in base.module_shapes.items()}
        print_json({**record, "module_shapes": shapes})
        return
    print_fields(
        {
            **record,
            "created_at": moment(base.created_at),
            "modules": f"{len(base.module_shapes)} with a two-dimensional weight",
        }
    )
