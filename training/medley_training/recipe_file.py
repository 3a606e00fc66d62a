"""Recipes in files, and those that ship with the package."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from medley_training.errors import RecipeError
from medley_training.recipe import Recipe

_RECIPES = "medley_training.recipes"


def parse_recipe(text: str, *, name: str, **changes: object) -> Recipe:
    """A recipe out of TOML.

    Args:
        text: The file's text.
        name: What to call it in an error.
        changes: Top-level values to use instead of the file's.

    Raises:
        RecipeError: It is not TOML, or a value is not what a recipe can hold.
    """
    try:
        return Recipe.model_validate({**tomllib.loads(text), **changes})
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        flaws = [_flaw(flaw) for flaw in error.errors()]
        raise RecipeError(f"{name}: {'; '.join(flaws)}") from error


def load_recipe(name: str, **changes: object) -> Recipe:
    """The recipe in a file, or the built-in one of that name (see `built_in_recipes`).

    Raises:
        RecipeError: There is none, or it cannot be used.
    """
    if name in built_in_recipes():
        text = files(_RECIPES).joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return parse_recipe(text, name=f"the built-in recipe {name}", **changes)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(built_in_recipes())
        raise RecipeError(
            f"{name} is no recipe file that can be read ({error}) and none of the built-in: {known}"
        ) from error
    return parse_recipe(text, name=name, **changes)


def built_in_recipes() -> tuple[str, ...]:
    """The names of the recipes that ship with the package."""
    names = (entry.name for entry in files(_RECIPES).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def _flaw(flaw: Any) -> str:
    where = ".".join(str(part) for part in flaw["loc"])
    message = flaw["msg"].removeprefix("Value error, ")
    if flaw["type"] == "extra_forbidden":
        message = "there is no such key"
    return f"{where}: {message}" if where else message
