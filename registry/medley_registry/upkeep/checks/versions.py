"""Versions by themselves: their content, their numbers, their base model, their parents."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import count, islice

from medley_registry.adapters import Adapter, Version
from medley_registry.bases import BaseModel
from medley_registry.errors import RegistryError
from medley_registry.findings import Code, Finding
from medley_registry.lineage import Parent
from medley_registry.references import Reference
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.naming import name_of

_MOST_MISSING = 3


def check_versions(facts: Facts) -> Iterator[Finding]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for version in facts.all(Version):
        numbers[version.adapter].append(version.number)
        if version.manifest.digest != version.digest:
            because = f"its manifest is {version.manifest.digest}, not {version.digest}"
            yield Finding(Code.VERSION_DIGEST, name_of(version), because)
        yield from _check_base(facts, version)
        if not version.lineage.origin:  # the parents of an imported version may be elsewhere
            for parent in version.lineage.parents:
                if flaw := _flaw(facts, version, parent):
                    subject = f"{name_of(version)} from {parent.reference}"
                    yield Finding(Code.VERSION_LINEAGE, subject, flaw)
    for adapter in facts.all(Adapter):
        found = sorted(numbers[adapter.name])
        if not found or found != [*range(1, len(found) + 1)]:
            there = {*found}
            missing = islice((n for n in count(1) if n not in there), _MOST_MISSING)
            because = f"has {len(found)} versions; missing are {', '.join(map(str, missing))}, …"
            yield Finding(Code.VERSION_NUMBERS, adapter.name, because)


def _check_base(facts: Facts, version: Version) -> Iterator[Finding]:
    adapter = facts.one(Adapter, version.adapter)
    base = facts.one(BaseModel, version.base)
    for what, base_id in (
        ("adapter", adapter and adapter.base_id),
        ("base", base and base.base_id),
    ):
        if base_id and base_id != version.base_id:
            because = f"is for {version.base_id}, and its {what} for {base_id}"
            yield Finding(Code.VERSION_BASE, name_of(version), because)


def _flaw(facts: Facts, version: Version, parent: Parent) -> str:
    try:
        reference = Reference.parse(parent.reference)
    except RegistryError as error:
        return str(error)
    key = (reference.adapter, reference.number)
    found = facts.one(Version, *key)
    if found is None:
        return "is not there"
    if found.digest != parent.digest:
        return f"is {found.digest}, not {parent.digest}"
    told = facts.ledger.told
    older = told.get((Version, key))
    younger = told.get((Version, (version.adapter, version.number)))
    is_circle = older is not None and younger is not None and older.seq >= younger.seq
    return "was published later" if is_circle else ""
