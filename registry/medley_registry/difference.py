"""What differs between two versions: configuration, lineage, tensors and evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medley_registry.adapters import Version
from medley_registry.canonical import Json
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.updates import ModuleChange, Weights, compare_updates
from medley_registry.variants import VariantKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of two versions; ``config`` is its ``adapter_config.json``, evidence oldest first."""

    version: Version
    config: Mapping[str, Json]
    weights: Weights
    evidence: Sequence[Evidence]


@dataclass(frozen=True, slots=True)
class Change:
    """A value that differs; None for what one of the two does not have."""

    name: str
    old: Json
    new: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """A metric of the newest evidence of each side; None where there is no such evidence.

    ``is_same_suite``: both ran the same suite with the same content, so that they compare.
    """

    variant: VariantKind
    kind: EvidenceKind
    suite: str
    metric: str
    old: float | None
    new: float | None
    is_same_suite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs; ``modules`` and ``evidence`` hold everything, changed or not."""

    old: str
    new: str
    is_same_content: bool
    config: tuple[Change, ...]
    lineage: tuple[Change, ...]
    modules: tuple[ModuleChange, ...]
    evidence: tuple[MetricChange, ...]


def difference(old: Side, new: Side) -> Difference:
    """Compare two versions, of one adapter or of two."""
    is_same = old.version.digest == new.version.digest
    return Difference(
        old=old.version.reference,
        new=new.version.reference,
        is_same_content=is_same,
        config=_changes(old.config, new.config),
        lineage=_changes(_origin(old.version), _origin(new.version)),
        modules=tuple(compare_updates(old.weights, new.weights)),
        evidence=_metric_changes(old.evidence, new.evidence),
    )


def _changes(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[Change, ...]:
    return tuple(
        Change(name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _origin(version: Version) -> dict[str, Json]:
    """What the registry knows of where a version came from, in names a reader knows."""
    return {
        "base_id": str(version.base_id),
        "round": version.round,
        "published_by": version.published_by,
        "note": version.note,
        **version.lineage.to_json(),
    }


_Test = tuple[VariantKind, EvidenceKind, str]


def _metric_changes(old: Sequence[Evidence], new: Sequence[Evidence]) -> tuple[MetricChange, ...]:
    before, after = _newest(old), _newest(new)
    return tuple(
        change
        for test in sorted(before.keys() | after.keys())
        for change in _side_by_side(test, before.get(test), after.get(test))
    )


def _newest(evidence: Sequence[Evidence]) -> dict[_Test, Evidence]:
    return {(result.variant, result.kind, result.suite): result for result in evidence}


def _side_by_side(test: _Test, old: Evidence | None, new: Evidence | None) -> list[MetricChange]:
    variant, kind, suite = test
    before = old.metrics if old else {}
    after = new.metrics if new else {}
    is_same = old is not None and new is not None and old.suite_digest == new.suite_digest
    return [
        MetricChange(
            variant=variant,
            kind=kind,
            suite=suite,
            metric=metric,
            old=before.get(metric),
            new=after.get(metric),
            is_same_suite=is_same,
        )
        for metric in sorted(before.keys() | after.keys())
    ]
