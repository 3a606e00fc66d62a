"""Variants, evidence and lineage."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from medley_registry import (
    AdmissionRefused,
    BaseMismatch,
    Contribution,
    Digest,
    EvidenceKind,
    Lineage,
    NotFound,
    Parent,
    Registry,
    Relation,
    VariantKind,
    VersionNotFound,
    timestamps,
)

from tests.builders import TINY, make_base

Folders = Callable[[int], Path]
SUITE = Digest.of(b"suite")


@pytest.fixture
def notes(registry: Registry, adapter_folder: Folders) -> Registry:
    """`notes` in one version."""
    registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")
    return registry


def add(registry: Registry, *, variant: VariantKind = VariantKind.BF16, metric: float = 1) -> None:
    registry.evidence.add(
        "notes",
        1,
        variant=variant,
        kind=EvidenceKind.BENCHMARK,
        suite="load",
        suite_digest=SUITE,
        environment={"device": "cpu"},
        metrics={"tokens_per_s": metric},
        actor="bench",
    )


def test_a_version_has_the_variant_of_its_own_base_from_the_first(notes: Registry) -> None:
    (first,) = notes.evidence.variants("notes", 1)

    assert (first.kind, first.base) == (VariantKind.BF16, TINY)
    assert first.version_digest == notes.resolve("notes:1").digest


def test_a_variant_is_for_a_base_derived_from_the_versions_own(
    notes: Registry, tmp_path: Path
) -> None:
    notes.add_base(
        "tiny-nf4",
        make_base(tmp_path / "nf4", fill=7),
        actor="ada",
        derived_from=TINY,
        recipe={"bits": 4},
    )
    notes.add_base("stranger", make_base(tmp_path / "other", fill=8), actor="ada")
    added = notes.evidence.add_variant(
        "notes", 1, VariantKind.NF4, base="tiny-nf4", recipe={}, actor="ada"
    )

    assert notes.evidence.variants("notes", 1)[1] == added
    with pytest.raises(BaseMismatch, match="derived"):
        notes.evidence.add_variant(
            "notes", 1, VariantKind.AWQ, base="stranger", recipe={}, actor="ada"
        )


def test_the_same_variant_again_is_the_one_that_is_there(notes: Registry) -> None:
    def again(recipe: dict[str, object]) -> object:
        return notes.evidence.add_variant(
            "notes",
            1,
            VariantKind.MERGED,
            base=TINY,
            recipe=recipe,  # type: ignore[arg-type]
            actor="ada",
        )

    first, head = again({"a": 1}), notes.head()

    assert again({"a": 1}) == first
    assert notes.head() == head
    with pytest.raises(BaseMismatch, match="another merged variant"):
        again({"a": 2})


def test_evidence_is_kept_in_order_and_bound_to_its_variant(notes: Registry) -> None:
    add(notes, metric=1)
    add(notes, metric=2)

    found = notes.evidence.of("notes", 1)

    assert [evidence.metrics["tokens_per_s"] for evidence in found] == [1, 2]
    (variant,) = notes.evidence.variants("notes", 1)
    assert {evidence.variant_digest for evidence in found} == {variant.digest}


def test_there_is_no_evidence_about_a_variant_that_is_not_there(notes: Registry) -> None:
    with pytest.raises(NotFound, match="no variant nf4"):
        add(notes, variant=VariantKind.NF4)


@pytest.mark.parametrize("metric", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_evidence(notes: Registry, metric: float) -> None:
    with pytest.raises(AdmissionRefused, match="evidence"):
        add(notes, metric=metric)


def test_a_version_keeps_what_it_came_from(notes: Registry, adapter_folder: Folders) -> None:
    first = notes.resolve("notes:1")
    lineage = Lineage(
        parents=(Parent("notes:1", first.digest, Relation.AGGREGATED_FROM),),
        contributions=(
            Contribution("st-mary", SUITE, 0.75, "ab" * 32),
            Contribution("st-paul", SUITE, 0.25),
        ),
        run="spring",
        recipe=SUITE,
        strategy="fedavg",
    )

    version = notes.publish(
        adapter_folder(2), name="notes", base=TINY, actor="ada", round=2, lineage=lineage
    )

    assert notes.resolve("notes:2").lineage == version.lineage == lineage


def test_a_parent_must_exist_and_hold_what_is_said(
    notes: Registry, adapter_folder: Folders
) -> None:
    def publish(reference: str, digest: Digest) -> None:
        parents = (Parent(reference, digest, Relation.TRAINED_FROM),)
        notes.publish(
            adapter_folder(2),
            name="notes",
            base=TINY,
            actor="ada",
            lineage=Lineage(parents=parents),
        )

    with pytest.raises(VersionNotFound):
        publish("notes:2", SUITE)  # itself
    with pytest.raises(AdmissionRefused, match="lineage"):
        publish("notes:1", SUITE)
    with pytest.raises(AdmissionRefused, match="name:number"):
        publish("notes@production", SUITE)


@pytest.mark.parametrize("round_", [0, -1])
def test_rounds_are_counted_from_one(
    registry: Registry, adapter_folder: Folders, round_: int
) -> None:
    with pytest.raises(AdmissionRefused, match="round"):
        registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", round=round_)


@pytest.mark.parametrize("metric", ["0.99", True, None])
def test_a_metric_is_a_number(notes: Registry, metric: object) -> None:
    with pytest.raises(AdmissionRefused, match="a metric is a number"):
        add(notes, metric=metric)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "recipe", [{"m": ("q", "v")}, {"m": object()}, {1: 2}, {"x": "y" * 70_000}]
)
def test_a_recipe_is_json_of_some_size(notes: Registry, recipe: dict[str, object]) -> None:
    with pytest.raises(AdmissionRefused, match="the recipe"):
        notes.evidence.add_variant(
            "notes",
            1,
            VariantKind.MERGED,
            base=TINY,
            recipe=recipe,  # type: ignore[arg-type]
            actor="ada",
        )

    assert len(notes.evidence.variants("notes", 1)) == 1


def test_the_newest_evidence_is_the_last_whatever_the_clock_says(
    notes: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(notes, metric=1)
    earlier = timestamps.now() - timedelta(hours=1)
    monkeypatch.setattr(timestamps, "now", lambda: earlier)
    add(notes, metric=2)

    assert [one.metrics["tokens_per_s"] for one in notes.evidence.of("notes", 1)] == [1, 2]


def test_a_child_may_have_a_parent_that_was_deleted(
    notes: Registry, adapter_folder: Folders
) -> None:
    first = notes.resolve("notes:1")
    notes.lifecycle.delete("notes", 1, actor="eve", reason="old")
    lineage = Lineage(parents=(Parent("notes:1", first.digest, Relation.TRAINED_FROM),))

    version = notes.publish(
        adapter_folder(2), name="notes", base=TINY, actor="ada", lineage=lineage
    )

    assert version.lineage == lineage


@pytest.mark.parametrize(
    "lineage",
    [
        Lineage(run="two\nlines"),
        Lineage(contributions=(Contribution("", SUITE, 1.0),)),
        Lineage(contributions=(Contribution("st-mary", SUITE, float("nan")),)),
        Lineage(contributions=tuple(Contribution(str(n), SUITE, 1.0) for n in range(10_001))),
    ],
    ids=["two lines", "no name", "no number", "too many"],
)
def test_lineage_is_kept_within_reason(
    notes: Registry, adapter_folder: Folders, lineage: Lineage
) -> None:
    with pytest.raises(AdmissionRefused):
        notes.publish(adapter_folder(2), name="notes", base=TINY, actor="ada", lineage=lineage)
