"""A registry of the benchmark's own: what is measured, and nothing else.

A server sizes its slots for all adapters of its registry and follows every change of it. In a
registry of its own it meets the same few versions each time, and production's is only read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medley_registry import BaseModel, Registry, Version, VersionState, open_registry
from medley_registry.base_variants import base_variant
from medley_registry.variants import VariantKind

from medley_training.benchmarks.stand_ins import write_stand_in
from medley_training.errors import BadLoad

_ACTOR = "medley bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """What lies in it.

    Attributes:
        folder: the registry's address.
        base: the base as it is.
        forms: of each variant the base that is served; the origin where it is made in flight.
        own: references in here, by those of the versions that are measured.
        stand_ins: references to what only fills slots.
        adapters: the folder of each reference in here.
    """

    folder: Path
    base: BaseModel
    forms: Mapping[VariantKind, BaseModel]
    own: Mapping[str, str]
    stand_ins: Sequence[str]
    adapters: Mapping[str, Path]


def fill_scratch(
    folder: Path,
    registry: Registry,
    base: BaseModel,
    versions: Sequence[Version],
    *,
    variants: Sequence[VariantKind],
    adapters: int,
    seed: int,
) -> Scratch:
    """Makes the registry in `folder`.

    Args:
        folder: an empty one.
        registry: where the base, its forms and the versions are; it is only read.
        base: the base as it is.
        versions: to be measured.
        variants: in which forms.
        adapters: how many there must be in all.
        seed: of the stand-ins.

    Raises:
        BadLoad: a variant has not been made, or nothing tells what the adapters look like.
    """
    if adapters and not versions:
        raise BadLoad("adapters are measured with those of a REF: name one, or --adapters none,0")
    forms = {kind: _form(registry, base, kind) for kind in variants}
    files = {one.reference: registry.pull(one, folder / one.digest.hex) for one in versions}
    places: dict[str, Path] = {}
    stand_ins = []
    with open_registry(folder / "registry", create=True) as scratch:
        scratch.add_base(base.name, base.path, actor=_ACTOR)
        for form in forms.values():
            if form.name != base.name:
                scratch.add_base(
                    form.name,
                    form.path,
                    actor=_ACTOR,
                    derived_from=base.name,
                    recipe=form.recipe,
                )
        own = {}
        for version in versions:
            published = _publish(scratch, files[version.reference], version.adapter, base)
            own[version.reference] = published
            places[published] = files[version.reference]
        for number in range(adapters - len(versions)):
            like = files[versions[number % len(versions)].reference]
            made = write_stand_in(like, folder / f"stand-in-{number}", seed=seed + number)
            stand_ins.append(_publish(scratch, made, f"stand-in-{number}", base))
            places[stand_ins[-1]] = made
    return Scratch(
        folder=folder / "registry",
        base=base,
        forms=forms,
        own=own,
        stand_ins=stand_ins,
        adapters=places,
    )


def _publish(scratch: Registry, folder: Path, name: str, base: BaseModel) -> str:
    version = scratch.publish(
        folder, name=name, base=base.name, actor=_ACTOR, state=VersionState.ADMITTED
    )
    return version.reference


def _form(registry: Registry, base: BaseModel, kind: VariantKind) -> BaseModel:
    found = base_variant(registry, base, kind)
    if found is not None:
        return found
    if kind is VariantKind.NF4:
        return base  # bitsandbytes quantizes it while it is loaded
    raise BadLoad(
        f"{base.name} has no {kind} variant; make one: medley quantize {base.name} --method {kind}"
    )
