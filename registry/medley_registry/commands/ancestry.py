"""Lineage: as a publisher gives it on the command line, and as it is shown there."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import typer

from medley_registry.adapters import Version
from medley_registry.canonical import Json
from medley_registry.durable import disk_errors
from medley_registry.errors import AdmissionRefused, RegistryError
from medley_registry.lineage import Lineage, Parent, Relation
from medley_registry.registry import Registry
from medley_registry.strict_json import parse_object


def lineage_of(registry: Registry, file: Path | None, parents: Iterable[str]) -> Lineage:
    """What a file says, and the parents that were named beside it.

    Raises:
        AdmissionRefused: by rule ``lineage``: the file says it in another way.
        NotFound: a parent does not exist.
        typer.BadParameter: a parent's relation is none.
    """
    told = _read(file) if file else Lineage()
    named = tuple(_parent(registry, text) for text in parents)
    return replace(told, parents=told.parents + named)


def read_object(file: Path, *, what: str) -> dict[str, Json]:
    """The JSON object in a file.

    Raises:
        AdmissionRefused: by one of the rules ``<what>-json`` and ``<what>-duplicate``.
        Unavailable: it cannot be read.
    """
    with disk_errors(file):
        return parse_object(file.read_bytes(), what=what)


def _read(file: Path) -> Lineage:
    told = read_object(file, what="lineage")
    empty = Lineage().to_json()
    if unknown := told.keys() - empty.keys():
        fitting = ", ".join(empty)
        raise AdmissionRefused("lineage", min(unknown), because=f"its keys are {fitting}")
    try:
        return Lineage.from_json(empty | told)
    except (KeyError, TypeError, ValueError, AttributeError, RegistryError) as error:
        raise AdmissionRefused("lineage", repr(error), because=f"{file} is no lineage") from error


def _parent(registry: Registry, text: str) -> Parent:
    reference, _, relation = text.rpartition(":")
    if relation not in {*Relation}:
        fitting = ", ".join(Relation)
        raise typer.BadParameter(f"{text!r} does not end in one of: {fitting}")
    version = registry.resolve(reference)
    return Parent(version.reference, version.digest, Relation(relation))


def lineage_fields(version: Version) -> dict[str, object]:
    """What is known of where it came from, and no more."""
    lineage = version.lineage
    fields = {
        "parents": ", ".join(f"{p.reference} ({p.relation})" for p in lineage.parents),
        "sites": ", ".join(f"{c.participant} ({c.weight:.3g})" for c in lineage.contributions),
        "run": lineage.run,
        "recipe": lineage.recipe,
        "strategy": lineage.strategy,
        "origin": lineage.origin,
    }
    return {name: value for name, value in fields.items() if value}
