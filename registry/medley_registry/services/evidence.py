"""Variants of versions, and the evidence bound to them."""

from collections.abc import Sequence
from math import isclose

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused, BaseMismatch, NotFound
from medley_registry.events import EventKind
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.index import Index
from medley_registry.item_scores import Item, ItemScores, totals
from medley_registry.kinds import Record
from medley_registry.variants import Variant, VariantKind

MOST_METRICS = 1000
MOST_BYTES = 64 << 10
MOST_ITEMS = 20_000
MOST_ITEMS_BYTES = 8 << 20


class EvidenceBook:
    """Appended to, never changed: what a version may be served as, and what was measured of it."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def add_variant(
        self,
        name: str,
        number: int,
        kind: VariantKind,
        *,
        base: str,
        recipe: dict[str, Json],
        actor: str,
    ) -> Variant:
        """Say that a version may be served on this base model in this form.

        The same variant again gives the one that is there.

        Raises:
            BaseMismatch: the base is neither the version's own nor derived from it, or the version
                has another variant of this kind.
        """
        rules.check_text("the actor", actor)
        _check_size("the recipe", recipe)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            serving = lookup.find_base(writer, base)
            if version.base_id not in (serving.base_id, serving.derived_from):
                raise BaseMismatch(f"{base!r} is neither {version.base!r} nor derived from it")
            variant = Variant(
                adapter=name,
                number=number,
                kind=kind,
                version_digest=version.digest,
                base=base,
                base_id=serving.base_id,
                recipe=recipe,
                made_by=actor,
                created_at=timestamps.now(),
            )
            known = writer.one(Variant, adapter=name, number=number, kind=kind)
            if known is not None:
                if known.digest != variant.digest:
                    raise BaseMismatch(
                        f"{version.reference} has another {kind} variant, on {known.base!r}"
                    )
                return known
            writer.add(variant)
            journal.record(
                writer,
                EventKind.VARIANT_ADDED,
                subject=version.reference,
                actor=actor,
                payload={
                    "adapter": name,
                    "number": number,
                    "kind": kind.value,
                    "base": base,
                    "base_id": str(serving.base_id),
                    "digest": str(variant.digest),
                },
                at=variant.created_at,
                records=[variant],
            )
        return variant

    def variants(self, name: str, number: int) -> list[Variant]:
        """The variants of a version."""
        with self._index.read() as reader:
            lookup.find_version(reader, name, number)
            return reader.all(Variant, adapter=name, number=number)

    def add(
        self,
        name: str,
        number: int,
        *,
        variant: VariantKind = VariantKind.BF16,
        kind: EvidenceKind,
        suite: str,
        suite_digest: Digest,
        environment: dict[str, Json],
        metrics: dict[str, float],
        actor: str,
        items: Sequence[Item] = (),
    ) -> Evidence:
        """Append a result about one variant.

        Args:
            name: The adapter.
            number: The version's.
            variant: The form that was measured.
            kind: An evaluation or a benchmark.
            suite: What was run.
            suite_digest: The suite's content.
            environment: The fingerprint of hardware and software.
            metrics: What was found.
            actor: Who measured.
            items: What each item contributed; gates compare versions by it. A metric that has
                tallies is their sum over their count.

        Raises:
            NotFound: the version has no such variant.
            AdmissionRefused: by rule ``evidence``: NaN, another value that JSON cannot carry, or
                more than belongs here: `MOST_METRICS` numbers, `MOST_BYTES` of environment,
                `MOST_ITEMS` items in `MOST_ITEMS_BYTES`; two items of one name, or a metric that
                its items do not add up to.
        """
        rules.check_text("the actor", actor)
        rules.check_text("the suite", suite)
        _check_metrics(metrics)
        _check_size("the environment", environment)
        _check_items(items, metrics)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            measured = writer.one(Variant, adapter=name, number=number, kind=variant)
            if measured is None:
                raise NotFound(f"{version.reference} has no variant {variant}")
            ordinal = len(writer.all(Evidence, adapter=name, number=number)) + 1
            try:
                evidence = Evidence.of(
                    measured,
                    kind=kind,
                    suite=suite,
                    suite_digest=suite_digest,
                    environment=environment,
                    metrics=metrics,
                    actor=actor,
                    at=timestamps.now(),
                    ordinal=ordinal,
                )
            except ValueError as error:
                because = "metrics and environment must be JSON"
                raise AdmissionRefused("evidence", str(error), because=because) from error
            records: list[Record] = [evidence]
            if items:
                in_order = tuple(sorted(items, key=lambda item: item.name))
                records.append(ItemScores(name, number, ordinal, in_order))
            for record in records:
                writer.add(record)
            journal.record(
                writer,
                EventKind.EVIDENCE_ADDED,
                subject=version.reference,
                actor=actor,
                payload={
                    "adapter": name,
                    "number": number,
                    "variant": variant.value,
                    "kind": kind.value,
                    "suite": suite,
                    "ordinal": ordinal,
                    "digest": str(evidence.digest),
                    "items": len(items),
                },
                at=evidence.at,
                records=records,
            )
        return evidence

    def items(self, evidence: Evidence) -> tuple[Item, ...]:
        """What each item contributed, sorted by name; empty where that was not recorded."""
        with self._index.read() as reader:
            return lookup.find_items(reader, evidence)

    def of(self, name: str, number: int) -> list[Evidence]:
        """All evidence about a version's variants, oldest first."""
        with self._index.read() as reader:
            lookup.find_version(reader, name, number)
            return reader.all(Evidence, adapter=name, number=number)


def _check_metrics(metrics: dict[str, float]) -> None:
    if len(metrics) > MOST_METRICS:
        raise AdmissionRefused("evidence", len(metrics), because=f"at most {MOST_METRICS} metrics")
    for name, value in metrics.items():
        rules.check_text("a metric", name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number:  # whether it is finite, its canonical form says
            raise AdmissionRefused("evidence", f"{name}={value!r}", because="a metric is a number")


def _check_items(items: Sequence[Item], metrics: dict[str, float]) -> None:
    if len(items) > MOST_ITEMS:
        raise AdmissionRefused("evidence", len(items), because=f"at most {MOST_ITEMS} items")
    names = set()
    for item in items:
        rules.check_text("an item", item.name)
        rules.check_text("an item's cluster", item.cluster)
        rules.check_text("an item's site", item.site, at_least=0)
        if item.name in names:
            raise AdmissionRefused("evidence", item.name, because="two items have this name")
        names.add(item.name)
    _check_size("the items", [item.to_json() for item in items], most_bytes=MOST_ITEMS_BYTES)
    for metric, value in totals(items).items():
        if metric in metrics and not isclose(metrics[metric], value, rel_tol=1e-6, abs_tol=1e-9):
            because = f"{metric} of the items is {value:.6g}"
            raise AdmissionRefused("evidence", metrics[metric], because=because)


def _check_size(what: str, value: Json, *, most_bytes: int = MOST_BYTES) -> None:
    try:
        size_bytes = len(canonical_json(value))
    except (ValueError, TypeError) as error:
        raise AdmissionRefused("evidence", str(error), because=f"{what} must be JSON") from error
    if size_bytes > most_bytes:
        because = f"{what} has at most {most_bytes} bytes"
        raise AdmissionRefused("evidence", size_bytes, because=because)
