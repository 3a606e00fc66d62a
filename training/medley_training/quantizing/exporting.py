"""Frozen exports of a version: merged models, which are bases of their own, and GGUF files."""

from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.canonical import Json
from medley_registry.registry import Registry
from medley_registry.variants import Variant, VariantKind

from medley_training.quantizing.gguf import Gguf
from medley_training.quantizing.maker import Maker
from medley_training.quantizing.making import check_present, make_base, make_folder

_NAMED = ("tool", "version", "computed_in", "dtype", "bits", "group_size", "calibration")
"""What the variant's recipe repeats of its base's: enough to tell two exports apart."""


def export_merged(
    registry: Registry,
    version: Version,
    maker: Maker,
    *,
    kind: VariantKind,
    name: str,
    folder: Path,
    actor: str,
    progress: Progress,
) -> Variant:
    """Make a merged model, register it as a base, and note it as a variant of the version.

    Raises:
        CannotQuantize: it cannot be made, or the name or the folder stands for something else.
        BaseMismatch: the version has another variant of this kind.
    """
    origin = registry.base(version.base)
    base = make_base(
        registry, origin, maker, name=name, folder=folder, actor=actor, progress=progress
    )
    told = base.recipe or {}
    recipe: dict[str, Json] = {key: told[key] for key in _NAMED if key in told}
    return registry.evidence.add_variant(
        version.adapter, version.number, kind, base=base.name, recipe=recipe, actor=actor
    )


def export_gguf(
    registry: Registry, version: Version, maker: Gguf, *, folder: Path, actor: str,
    progress: Progress,
) -> Variant:  # fmt: skip
    """Make GGUF files and note them as a variant of the version, on its own base.

    Raises:
        CannotQuantize: they cannot be made, or the folder holds something else.
        BaseMismatch: the version has another variant of this kind.
    """
    origin = registry.base(version.base)
    check_present(origin)
    recipe = make_folder(origin, maker, maker.plan(origin), folder=folder, progress=progress)
    return registry.evidence.add_variant(
        version.adapter,
        version.number,
        VariantKind.GGUF,
        base=origin.name,
        recipe=recipe,
        actor=actor,
    )
