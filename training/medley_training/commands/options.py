"""Arguments and options that several of the commands of ``medley train`` share."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medley_training.recipe import Recipe

RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE",
        help="A TOML file, or a built-in recipe's name (`medley train recipes`).",
        show_default=False,
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Use this seed, not the recipe's.", show_default=False),
]
PromoteOption = Annotated[
    str | None,
    typer.Option(
        "--promote",
        metavar="ALIAS",
        help="Point this alias at each round's version, if its policy lets it.",
        show_default=False,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def recipe_with(name: str, seed: int | None) -> "Recipe":
    """The recipe of that name, with another seed if one is given."""
    from medley_training.recipe_file import load_recipe

    return load_recipe(name) if seed is None else load_recipe(name, seed=seed)
