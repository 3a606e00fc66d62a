"""Reading what a report is made from: a registry, in one state of it, and run folders."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from medley_registry import (
    Adapter,
    BaseModel,
    Decision,
    Digest,
    Evidence,
    EvidenceKind,
    Registry,
    Variant,
    VariantKind,
    Version,
    VersionState,
    lookup,
)
from medley_registry.index import IndexReader
from medley_registry.references import Reference

from medley_training.errors import NothingRecorded
from medley_training.reports.history import history
from medley_training.reports.privacy import events_of, privacy_report
from medley_training.reports.records.environment import Environment, environments, identity
from medley_training.reports.records.recorded import Measurement, Records, Run, Wanted

_Key = tuple[str, VariantKind, EvidenceKind, str, Digest | None, Digest]


def gather(registry: Registry, wanted: Wanted) -> Records:
    """Read what there is.

    Raises:
        NothingRecorded: There is no evidence, no decision and no run to tell of.
        NotFound: A reference, the adapter or the base does not exist.
        RunDamaged: A run folder holds no run that began.
    """
    runs = tuple(_run(folder, among=wanted.runs) for folder in wanted.runs)
    with registry.index.read() as reader:
        asked = [lookup.resolve(reader, Reference.parse(text)) for text in wanted.references]
        candidates = asked or _versions(reader, wanted)
        decisions = _decisions(reader, candidates)
        measurements = _measurements(reader, candidates)
        if not (measurements or decisions or runs):
            raise NothingRecorded
        told = {each.version.reference for each in measurements}
        told |= {f"{each.adapter}:{each.number}" for each in decisions}
        versions = tuple(each for each in candidates if asked or each.reference in told)
        return Records(
            bases=_bases(reader, versions, runs, wanted.base),
            versions=versions,
            leading=tuple(asked) or _newest(measurements),
            variants=tuple(found for each in versions for found in _variants(reader, each)),
            benchmarks=_of_kind(measurements, EvidenceKind.BENCHMARK),
            evaluations=_of_kind(measurements, EvidenceKind.EVALUATION),
            decisions=decisions,
            runs=runs,
        )


def _run(folder: Path, *, among: Sequence[Path]) -> Run:
    """A run folder; where two have one name, their folders' names stand before it."""
    path = folder.absolute()
    is_only = sum(other.absolute().name == path.name for other in among) == 1
    name = path.name if is_only else f"{path.parent.name}/{path.name}"
    events = events_of(path)
    return Run(name, history(events), privacy_report(path), max(event.at for event in events))


def _versions(reader: IndexReader, wanted: Wanted) -> list[Version]:
    """The versions in question, without those that were deleted."""
    base = lookup.find_base(reader, wanted.base) if wanted.base else None
    names = [wanted.adapter] if wanted.adapter else [each.name for each in reader.all(Adapter)]
    adapters = [lookup.find_adapter(reader, name) for name in sorted(names)]
    return [
        version
        for adapter in adapters
        if base is None or adapter.base_id in (base.base_id, base.derived_from)
        for version in reader.versions(adapter.name, before=None, limit=None)
        if version.state is not VersionState.DELETED
    ]


def _variants(reader: IndexReader, version: Version) -> list[Variant]:
    return reader.all(Variant, adapter=version.adapter, number=version.number)


def _decisions(reader: IndexReader, versions: Iterable[Version]) -> tuple[Decision, ...]:
    numbers = {(each.adapter, each.number) for each in versions}
    found = [
        decision
        for name in sorted({adapter for adapter, _ in numbers})
        for decision in reader.all(Decision, adapter=name)
        if (name, decision.number) in numbers
    ]
    return tuple(sorted(found, key=lambda each: (each.at, each.adapter, each.alias)))


def _measurements(reader: IndexReader, versions: Iterable[Version]) -> list[Measurement]:
    """The newest of each suite, variant and environment; by version, variant and suite."""
    found: dict[_Key, list[tuple[Version, Evidence]]] = {}
    for version in versions:
        for each in reader.all(Evidence, adapter=version.adapter, number=version.number):
            place = identity(each.environment)
            # A benchmark may put several loads to a variant, all of which count.
            load = each.suite_digest if each.kind is EvidenceKind.BENCHMARK else None
            key = (version.reference, each.variant, each.kind, each.suite, load, place)
            found.setdefault(key, []).append((version, each))
    everything = [each for several in found.values() for _, each in several]
    by_time = sorted(everything, key=lambda each: (each.at, each.adapter, each.number))
    places = environments(each.environment for each in by_time)
    measured = [_measurement(reader, several, places) for several in found.values()]
    return sorted(measured, key=_order)


def _order(each: Measurement) -> tuple[str, int, int, str, int]:
    version, evidence = each.version, each.evidence
    at = [*VariantKind].index(evidence.variant)
    return version.adapter, version.number, at, evidence.suite, evidence.ordinal


def _measurement(
    reader: IndexReader,
    several: Sequence[tuple[Version, Evidence]],
    places: Mapping[Digest, Environment],
) -> Measurement:
    version, newest = several[-1]
    return Measurement(
        version=version,
        evidence=newest,
        environment=places[identity(newest.environment)],
        earlier=len(several) - 1,
        items=lookup.find_items(reader, newest),
    )


def _of_kind(measurements: Iterable[Measurement], kind: EvidenceKind) -> tuple[Measurement, ...]:
    return tuple(each for each in measurements if each.evidence.kind is kind)


def _newest(measurements: Iterable[Measurement]) -> tuple[Version, ...]:
    """Of each adapter the version with the highest number that was measured."""
    found = {each.version.adapter: each.version for each in measurements}
    return tuple(found[name] for name in sorted(found))


def _bases(
    reader: IndexReader, versions: Iterable[Version], runs: Iterable[Run], name: str | None
) -> tuple[BaseModel, ...]:
    """The bases in question, each before those that were made from it."""
    known = reader.all(BaseModel)
    ids = {each.base_id for each in versions}
    names = {run.privacy.base for run in runs} | ({name} if name else set())
    roots = [each for each in known if each.base_id in ids or each.name in names]
    found: dict[str, BaseModel] = {}
    for root in sorted(roots, key=lambda each: (each.derived_from is not None, each.name)):
        found.setdefault(root.name, root)
        derived = (each for each in known if each.derived_from == root.base_id)
        found |= {each.name: each for each in sorted(derived, key=lambda each: each.name)}
    return tuple(found.values())
