"""One federated run: its recipe, its base model, its folder and its coordinator's identity."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from medley_registry.bases import BaseModel
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from pydantic import ValidationError

from medley_training.errors import RunDamaged, RunMismatch
from medley_training.identity.keys import SigningKey
from medley_training.identity.participants import ParticipantBook
from medley_training.recipe import Recipe
from medley_training.rounds.run_folder import RunFolder, read_json, write_json

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that can be carried out or continued.

    Attributes:
        name: Random, so that no answer of another run of the same recipe fits this one.
        recipe: What is computed.
        recipe_digest: Of the recipe as the run was begun with it.
        base: The frozen base model.
        folder: Where everything is kept.
        key: Signs what the coordinator says.
        book: Whose statements count.
        is_resumed: Whether the run was found, not begun.
    """

    name: str
    recipe: Recipe
    recipe_digest: Digest
    base: BaseModel
    folder: RunFolder
    key: SigningKey
    book: ParticipantBook
    is_resumed: bool


def open_run(path: Path, recipe: Recipe, base: BaseModel, *, book: Path | None = None) -> Run:
    """Begin a run in a folder, or find the one that is there.

    Args:
        path: The run's folder; it is made where it is missing.
        recipe: What to compute.
        base: The base model that the recipe names.
        book: The participants' keys; the run's own book where it is not given.

    Raises:
        RunMismatch: The folder holds a run of another recipe or base model, or something else.
        BadKey: The coordinator's key cannot be read.
    """
    folder = RunFolder(path)
    is_resumed = folder.identity.exists()
    if is_resumed:
        _require_same(folder, recipe, base)
    else:
        _begin(folder, recipe, base)
    return Run(
        name=str(read_json(folder.identity)["run"]),
        recipe=recipe,
        recipe_digest=recorded_digest(folder),
        base=base,
        folder=folder,
        key=SigningKey.load(folder.key),
        book=ParticipantBook(book or folder.participants),
        is_resumed=is_resumed,
    )


def recorded_recipe(folder: RunFolder) -> Recipe:
    """The recipe that a run was begun with.

    Raises:
        RunDamaged: The folder holds no run, or its recipe is not the one that it was begun with.
    """
    if not folder.identity.exists():
        raise RunDamaged(f"{folder.path} holds no run: it has no {folder.identity.name}")
    recorded_digest(folder)
    try:
        return Recipe.model_validate(read_json(folder.recipe))
    except ValidationError as error:
        raise RunDamaged(f"{folder.recipe} is no recipe: {error}") from error


def recorded_digest(folder: RunFolder) -> Digest:
    """The digest of that recipe, as it was written then: later software may know more keys.

    Raises:
        RunDamaged: The recipe is not the one that the run was begun with.
    """
    digest = Digest.of(canonical_json(read_json(folder.recipe)))
    if str(digest) != read_json(folder.identity).get("recipe"):
        raise RunDamaged(f"{folder.recipe} is not the recipe that the run was begun with")
    return digest


def _begin(folder: RunFolder, recipe: Recipe, base: BaseModel) -> None:
    # A key alone is what a beginning that was cut short leaves; anything else is not ours.
    strangers = [found.name for found in folder.path.iterdir() if not _is_early(found, folder)]
    if strangers:
        raise RunMismatch(f"{folder.path} is no run and not empty: it holds {min(strangers)}")
    if not folder.key.exists():
        SigningKey.make(folder.key)
    write_json(folder.recipe, recipe.to_json())
    run = {
        "format": _FORMAT,
        "run": f"{recipe.name}-{secrets.token_hex(6)}",
        "recipe": str(recipe.digest),
        "base": str(base.base_id),
        "coordinator": SigningKey.load(folder.key).public.pem,
    }
    write_json(folder.identity, run)


def _is_early(found: Path, folder: RunFolder) -> bool:
    own = {folder.key, folder.recipe, folder.participants, folder.path / "run.lock"}
    made_before = {folder.path / name for name in ("base", "registry", "sites")}
    return found in own | made_before or found.name.startswith(".incoming-")


def _require_same(folder: RunFolder, recipe: Recipe, base: BaseModel) -> None:
    found = read_json(folder.identity)
    if recorded_recipe(folder) != recipe:
        raise RunMismatch(
            f"{folder.path} holds a run of another recipe or seed"
            f" ({_short(found['recipe'])}, not {_short(str(recipe.digest))});"
            " give another --run-dir, or the recipe it was begun with"
        )
    if found["base"] != str(base.base_id):
        raise RunMismatch(f"{folder.path} holds a run on another base model than {base.name}")


def _short(digest: str) -> str:
    return Digest.parse(digest).hex[:12]
