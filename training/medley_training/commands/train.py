"""`medley train …`: federated rounds, from a recipe to a signed, servable version."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from medley_registry.commands.options import JsonOption, KeyOption, RegistryOption
from medley_registry.commands.screen import print_json, print_line, print_note

from medley_training.commands import key, participant
from medley_training.commands.certificates import certificates, node_key
from medley_training.commands.coordinator import coordinator
from medley_training.commands.documents import documents
from medley_training.commands.golden import golden
from medley_training.commands.options import (
    PromoteOption,
    QuietOption,
    RecipeArgument,
    SeedOption,
    recipe_with,
)
from medley_training.commands.refusals import in_one_line
from medley_training.commands.report import report
from medley_training.commands.site import site
from medley_training.commands.stopping import stopped_by_sigterm
from medley_training.commands.summary import show_summary

if TYPE_CHECKING:
    from medley_training.recipe import Recipe

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train adapters with several hospitals that keep their data.",
)
RunArgument = Annotated[
    Path, typer.Argument(metavar="RUN", exists=True, file_okay=False, show_default=False)
]
RunDirOption = Annotated[
    Path | None,
    typer.Option(
        "--run-dir",
        metavar="DIR",
        file_okay=False,
        help="Keep the run here, or continue the one that is here; else ./runs/RECIPE-TIME.",
        show_default=False,
    ),
]


@app.command()
@in_one_line
def run(
    recipe: RecipeArgument,
    *,
    run_dir: RunDirOption = None,
    seed: SeedOption = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Sites that train at once, each in a process.")
    ] = 1,
    registry: RegistryOption = None,
    key: KeyOption = None,
    promote: PromoteOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Carry out a recipe's rounds with all sites on this machine.

    Stopped or killed anywhere, it goes on where it was with the same --run-dir, to the same
    versions. Every round is published. No alias moves unless --promote names one, and then only to
    versions that have what the alias demands (`medley adapter protect`).

    \b
    Examples:
      medley train run smoke
      medley train run smollm2-135m --run-dir runs/first --workers 2
      medley train run hospital.toml --seed 11 --json | tail -1 | jq .digest
      medley train run hospital.toml --promote production
    """
    from medley_training.running import carry_out_here

    loaded = recipe_with(recipe, seed)
    folder = run_dir or _new_folder(loaded)
    with stopped_by_sigterm():
        summary = carry_out_here(
            loaded,
            folder,
            registry=registry,
            key=key,
            promote=promote,
            workers=workers,
            is_quiet=quiet,
        )
    show_summary(summary, folder, as_json=as_json)


@app.command()
@in_one_line
def verify(
    run: RunArgument,
    *,
    coordinator: Annotated[
        Path | None,
        typer.Option(
            "--coordinator",
            metavar="KEY.pem",
            exists=True,
            dir_okay=False,
            help="The coordinator's public key, as you know it; else the run's own.",
            show_default=False,
        ),
    ] = None,
    participants: Annotated[
        Path | None,
        typer.Option(
            "--participants",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The participants' keys, as you know them; else the run's own.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check all signatures and compute each aggregate again.

    \b
    Examples:
      medley train verify runs/first
      medley train verify runs/first --coordinator coordinator.pub.pem --json
    """
    from medley_training.rounds.verifying import open_verifier

    found = []
    for verified in open_verifier(run, coordinator=coordinator, book=participants).verify():
        found.append(
            {
                "round": verified.round,
                "output": str(verified.output),
                "participants": list(verified.participants),
            }
        )
        if not as_json:
            names = ", ".join(verified.participants)
            print_line(f"round {verified.round}  {verified.output}  from {names}")
    if as_json:
        print_json({"rounds": found})
    else:
        print_note(f"{len(found)} rounds verified: signed, logged, and computed again to the bit")


@app.command()
@in_one_line
def recipes(*, as_json: JsonOption = False) -> None:
    """List the built-in recipes.

    \b
    Examples:
      medley train recipes
    """
    from medley_training.recipe_file import built_in_recipes, load_recipe

    rows = [(name, load_recipe(name)) for name in built_in_recipes()]
    if as_json:
        print_json([{"name": name, **recipe.to_json()} for name, recipe in rows])
        return
    for name, recipe in rows:
        lora = recipe.lora
        print_line(
            f"{name:26} {recipe.base.name}, {recipe.base.quantization}, r={lora.rank} on"
            f" {', '.join(lora.target_modules)}; {len(recipe.sites.names)} sites,"
            f" {recipe.rounds} rounds of {recipe.data.source}"
        )


def _new_folder(recipe: "Recipe") -> Path:
    return Path("runs") / f"{recipe.name}-{datetime.now():%Y%m%d-%H%M%S}"


app.command()(report)
app.command()(coordinator)
app.command()(site)
app.command()(certificates)
app.command("node-key")(node_key)
app.add_typer(key.app, name="key")
app.add_typer(participant.app, name="participant")
app.command()(documents)
app.command()(golden)
