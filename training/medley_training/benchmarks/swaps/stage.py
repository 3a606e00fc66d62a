"""Four adapters with two versions each, in a registry of the benchmark's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medley_registry import BaseModel, Registry, Version, VersionState, open_registry

from medley_training.benchmarks.stand_ins import write_stand_in
from medley_training.benchmarks.swaps.lane import Act
from medley_training.errors import BadLoad

_ACTOR = "medley bench swap"
_STRENGTH = 12.0
"""Measured on a 135M base, trained rank 8: at 1, two stand-ins often answer alike; at 12, never."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is exchanged.

    Attributes:
        registry: the address of the registry that Medley's server follows.
        base: what all are for.
        folders: the files of each version.
        rank: the highest of any.
        modules: last name parts of the modules that any of them changes.
    """

    registry: Path
    base: BaseModel
    folders: Mapping[Act, Path]
    rank: int
    modules: tuple[str, ...]

    @property
    def adapters(self) -> list[str]:
        """Their names."""
        return sorted({act.adapter for act in self.folders})


def set_stage(
    folder: Path,
    registry: Registry,
    versions: Sequence[Version],
    *,
    adapters: int,
    versions_each: int = 2,
    seed: int,
) -> Stage:
    """Makes the registry, with every alias at version 1.

    The contents are stand-ins of `versions`, strong enough that each one's answers are its own.

    Args:
        folder: an empty one.
        registry: where the versions are; it is only read.
        versions: of one base; the stand-ins have their shapes.
        adapters: how many.
        versions_each: how many versions each has.
        seed: of the stand-ins.

    Raises:
        BadLoad: the versions are for several bases, or there are none.
    """
    bases = {version.base for version in versions}
    if len(bases) != 1:
        told = f"these are for {', '.join(sorted(bases))}" if bases else "name a REF"
        raise BadLoad(f"adapters of one base are exchanged; {told}")
    base = registry.base(bases.pop())
    contents = _contents(folder, registry, versions, count=adapters * versions_each, seed=seed)
    acts = [
        Act(f"part-{place}", number)
        for place in range(1, adapters + 1)
        for number in range(1, versions_each + 1)
    ]
    folders = dict(zip(acts, contents, strict=True))
    with open_registry(folder / "registry", create=True) as made:
        made.add_base(base.name, base.path, actor=_ACTOR)
        for act, files in folders.items():
            made.publish(
                files, name=act.adapter, base=base.name, actor=_ACTOR, state=VersionState.ADMITTED
            )
            if act.number == 1:
                made.promote(act.adapter, 1, actor=_ACTOR)
    return Stage(
        registry=folder / "registry",
        base=base,
        folders=folders,
        rank=max(version.rank for version in versions),
        modules=tuple(sorted({name for version in versions for name in version.target_modules})),
    )


def _contents(
    folder: Path, registry: Registry, versions: Sequence[Version], *, count: int, seed: int
) -> list[Path]:
    own = [registry.pull(one, folder / one.digest.hex) for one in versions]
    return [
        write_stand_in(
            own[place % len(own)],
            folder / f"stand-in-{place}",
            seed=seed + place,
            strength=_STRENGTH,
        )
        for place in range(count)
    ]
