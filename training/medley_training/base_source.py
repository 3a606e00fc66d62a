"""Where a recipe's base model comes from: this machine, the registry, or the hub."""

from pathlib import Path

from medley_registry.bases import BaseModel
from medley_registry.errors import NotARegistry, NotFound
from medley_registry.opening import open_registry
from medley_registry.registry import Registry

from medley_training.errors import RecipeError
from medley_training.recipe import BaseSection
from medley_training.tiny_base import save_tiny_base

TINY = Path("tiny")


def find_base(section: BaseSection, registry: Registry, *, made: Path) -> BaseModel:
    """The base model, registered, with its files on this machine.

    Args:
        section: What the recipe says.
        registry: Knows the base by its name, or learns of it now.
        made: Where the tiny base goes, if that is asked for.

    Raises:
        RecipeError: It is nowhere to be found; the message says how to provide it.
        NameTaken: The name stands for another base model in the registry.
    """
    folder = _folder(section, made)
    if folder is None:
        return _registered(section, registry)
    return registry.add_base(section.name, folder, actor="medley train")


def base_folder(section: BaseSection, registry: str | None, *, made: Path) -> Path:
    """The base model's files on this machine, for a site: nothing is written into a registry.

    Args:
        section: What the recipe or the site's operator says.
        registry: A registry that may know the base by its name; there need not be one.
        made: Where the tiny base goes, if that is asked for.

    Raises:
        RecipeError: It is nowhere to be found; the message says how to provide it.
    """
    if (folder := _folder(section, made)) is not None:
        return folder
    try:
        with open_registry(registry) as opened:
            return _on_disk(opened.base(section.name)).path
    except (NotARegistry, NotFound):
        return _from_hub(section)


def _folder(section: BaseSection, made: Path) -> Path | None:
    if section.path == TINY:
        save_tiny_base(made)
        return made
    if section.path is not None:
        if not (section.path / "config.json").is_file():
            raise RecipeError(f"base.path: {section.path} is no model folder: no config.json")
        return section.path
    return None


def _registered(section: BaseSection, registry: Registry) -> BaseModel:
    try:
        base = registry.base(section.name)
    except NotFound:
        return registry.add_base(section.name, _from_hub(section), actor="medley train")
    return _on_disk(base)


def _on_disk(base: BaseModel) -> BaseModel:
    if not (base.path / "config.json").is_file():
        raise RecipeError(f"the registry says that {base.name} lies in {base.path}, but it is gone")
    return base


def _from_hub(section: BaseSection) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if section.repo is None:
        raise RecipeError(
            f"the registry knows no base {section.name!r}: add it with"
            f" `medley base add {section.name} DIR`, or set base.path or base.repo in the recipe"
        )
    wanted = ["*.json", "*.safetensors", "*.model", "*.jinja", "merges.txt"]
    try:
        return Path(
            snapshot_download(section.repo, revision=section.revision, allow_patterns=wanted)
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise RecipeError(f"{section.repo} cannot be had from the hub: {error}") from error
