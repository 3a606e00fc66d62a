"""From a registered base to another one, made by a method and registered with its recipe."""

from pathlib import Path

from medley_registry.base_folder import Progress, read_base
from medley_registry.bases import BaseModel
from medley_registry.errors import NotFound
from medley_registry.registry import Registry

from medley_training.errors import CannotQuantize
from medley_training.quantizing.maker import Maker, Recipe
from medley_training.quantizing.model_folder import CONFIG, weights_bytes
from medley_training.quantizing.variant_folder import (
    finish,
    finished,
    folder_in_work,
    one_at_a_time,
)


def make_base(
    registry: Registry,
    origin: BaseModel,
    maker: Maker,
    *,
    name: str,
    folder: Path,
    actor: str,
    progress: Progress,
) -> BaseModel:
    """Make a base of `origin` in `folder` and register it, unless that was done before.

    A folder that a killed run left finished but unregistered is registered as it is. Where the
    files of a registered base are gone, they are made again, and must come out the same.

    Args:
        registry: Knows the origin, and learns of the new base.
        origin: What it is made of; its files are on this machine.
        maker: Makes it.
        name: What the new base is called.
        folder: Where its files go.
        actor: Who makes it.
        progress: Told how far the method is.

    Raises:
        CannotQuantize: it cannot be made, or the name or the folder stands for something else.
    """
    check_present(origin)
    plan = maker.plan(origin)
    if (known := _registered(registry, name)) is not None:
        if known.derived_from != origin.base_id or not _is_of(plan, known.recipe):
            raise CannotQuantize(
                f"{name} is registered, and made otherwise: choose another by --name"
            )
        if _is_whole(known.path, known.recipe):
            return known
    recipe = make_folder(origin, maker, plan, folder=folder, progress=progress)
    if known is not None:
        _check_same(known, folder)
        recipe = known.recipe or recipe  # errors that are measured again may differ in a digit
    return registry.add_base(name, folder, actor=actor, derived_from=origin.name, recipe=recipe)


def make_folder(
    origin: BaseModel, maker: Maker, plan: Recipe, *, folder: Path, progress: Progress
) -> Recipe:
    """Fill a folder, unless it holds what the plan says; the recipe of what is in it.

    Raises:
        CannotQuantize: it cannot be made, or the folder holds something else.
    """
    with one_at_a_time(folder):
        if (note := finished(folder)) is not None:
            recipe = note.get("recipe")
            if note.get("origin") != str(origin.base_id) or not _is_of(plan, recipe):
                raise CannotQuantize(
                    f"{folder} holds something made otherwise: choose another --out, or remove it"
                )
            assert isinstance(recipe, dict)
            if not _is_whole(folder, recipe):
                raise CannotQuantize(f"{folder} has lost files: remove it, and it is made again")
            return recipe
        with folder_in_work(folder) as aside:
            recipe = plan | maker.write(origin, aside, progress=progress)
            recipe |= {"bytes_before": weights_bytes(origin.path)}
            recipe |= {"bytes_after": weights_bytes(aside)}
            finish(aside, folder, {"origin": str(origin.base_id), "recipe": recipe})
    return recipe


def check_present(origin: BaseModel) -> None:
    """Refuse a base whose files are not on this machine.

    Raises:
        CannotQuantize: they are gone.
    """
    if not (origin.path / CONFIG).is_file():
        raise CannotQuantize(f"{origin.name} lies in {origin.path}, but it is gone")


def _registered(registry: Registry, name: str) -> BaseModel | None:
    try:
        return registry.base(name)
    except NotFound:
        return None


def _check_same(known: BaseModel, folder: Path) -> None:
    """Refuse what came out otherwise than it is registered."""
    if read_base(known.name, folder).base_id != known.base_id:
        raise CannotQuantize(
            f"the files of {known.name} are gone, and made again they are another base, which lies"
            f" in {folder}: register that by --name NEW --out {folder}"
        )


def _is_whole(folder: Path, recipe: Recipe | None) -> bool:
    """Whether weights of the size that was noted are there."""
    noted = (recipe or {}).get("bytes_after")
    return folder.is_dir() and weights_bytes(folder) == noted


def _is_of(plan: Recipe, recipe: object) -> bool:
    return isinstance(recipe, dict) and plan.items() <= recipe.items()
