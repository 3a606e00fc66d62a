"""Aliases that compare a version with the one in its place, on the same documents."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from medley_registry import (
    AdmissionRefused,
    AliasPolicy,
    AliasProtected,
    Better,
    Comparison,
    Conflict,
    Digest,
    EventKind,
    EvidenceKind,
    Item,
    Outcome,
    Over,
    Registry,
)
from medley_registry.item_scores import totals

from tests.builders import TINY
from tests.invariants import assert_sound

Folders = Callable[[int], Path]
SUITE = Digest.of(b"documents")
F1 = Comparison(suite="documents", metric="f1", margin=0.05)
EACH_SITE = Comparison(suite="documents", metric="f1", margin=0.05, over=Over.EACH_SITE)


@pytest.fixture
def two(registry: Registry, adapter_folder: Folders) -> Registry:
    """`notes` in two versions, the first in production, and a comparison demanded."""
    for content in (1, 2):
        registry.publish(adapter_folder(content), name="notes", base=TINY, actor="ada")
    registry.promote("notes", 1, actor="ada")
    demand(registry, F1)
    return registry


def demand(registry: Registry, *comparisons: Comparison) -> None:
    policy = AliasPolicy(comparisons=comparisons)
    registry.protection.set("notes", "production", policy, actor="eve")


def items(north: float, south: float, *, num: int = 12) -> list[Item]:
    """Documents of two sites, with so many of ten fields right in each."""
    return [
        Item(f"{site}-{n}", f"{site}-{n}", site, {"f1": (right, 10)})
        for site, right in (("north", north), ("south", south))
        for n in range(num)
    ]


def without_f1(found: list[Item]) -> list[Item]:
    """The same, with the metric left out where it is difficult."""
    first, *rest = found
    return [Item(first.name, first.cluster, first.site, {}), *rest]


def measure(
    registry: Registry, number: int, found: Sequence[Item], *, content: Digest = SUITE
) -> None:
    registry.evidence.add(
        "notes",
        number,
        kind=EvidenceKind.EVALUATION,
        suite="documents",
        suite_digest=content,
        environment={"device": "cpu"},
        metrics=totals(found) or {"f1": 0.5},
        actor="bench",
        items=found,
    )


def refusal(registry: Registry) -> str:
    with pytest.raises(AliasProtected) as refused:
        registry.promote("notes", 2, actor="ada")
    assert registry.resolve("notes").number == 1
    return "; ".join(refused.value.unmet)


def test_an_equal_version_passes_and_a_damaged_one_does_not(two: Registry) -> None:
    measure(two, 1, items(8, 8))
    measure(two, 2, items(7, 7))

    assert refusal(two).startswith("documents: f1 within 0.05 (bf16): 0.7 against 0.8")

    measure(two, 2, items(8, 8))
    assert two.promote("notes", 2, actor="ada").number == 2
    assert_sound(two, two.blobs)


def test_who_lost_at_one_hospital_is_refused_though_the_mean_improved(two: Registry) -> None:
    measure(two, 1, items(6, 6))
    measure(two, 2, items(9, 5))
    assert two.protection.unmet("notes", 2, alias="production") == []

    demand(two, F1, EACH_SITE)

    assert "south 0.5 against 0.6" in refusal(two)
    assert "north" not in refusal(two)


def test_a_decision_is_kept_with_every_number_and_its_event(two: Registry) -> None:
    measure(two, 1, items(6, 6))
    measure(two, 2, items(9, 5))
    demand(two, EACH_SITE)
    refusal(two)

    (decision,) = two.protection.decisions("notes", "production")

    assert (decision.outcome, decision.number, decision.actor) == (Outcome.REFUSED, 2, "ada")
    report: Any = decision.report
    (comparison,) = report["comparisons"]
    by_site = {test["site"]: test for test in comparison["tests"]}
    assert by_site["south"]["difference"] == pytest.approx(-0.1)
    assert by_site["south"]["p_adjusted"] == 1
    assert by_site["north"]["is_met"]
    (event,) = [event for event in two.events() if event.kind is EventKind.GATE_DECIDED]
    assert event.payload["outcome"] == "refused"
    assert_sound(two, two.blobs)


def test_asking_again_gives_the_same_decision_and_does_not_repeat_it(two: Registry) -> None:
    measure(two, 1, items(8, 8))
    measure(two, 2, items(7, 7))

    assert refusal(two) == refusal(two)
    assert len(two.protection.decisions("notes", "production")) == 1

    measure(two, 2, items(6, 6))
    refusal(two)
    assert [d.ordinal for d in two.protection.decisions("notes", "production")] == [1, 2]


def test_the_first_version_has_nothing_to_be_compared_with(
    registry: Registry, adapter_folder: Folders
) -> None:
    registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")
    demand(registry, F1)

    registry.promote("notes", 1, actor="ada")

    (decision,) = registry.protection.decisions("notes", "production")
    assert decision.outcome is Outcome.PASSED
    assert decision.report["baseline"] is None


@pytest.mark.parametrize(
    ("baseline", "candidate", "because"),
    [
        (None, items(8, 8), "notes:1 has no evidence of documents with content sha256:"),
        (items(8, 8), None, "notes:2 has no evidence of documents"),
        (items(8, 8), [], "the evidence of notes:2 has no items to compare by"),
        ([], items(8, 8), "the evidence of notes:1 has no items to compare by"),
        (items(8, 8), items(8, 8, num=13), "2 items were answered by one version only"),
        (items(8, 8, num=3), items(8, 8, num=3), "counted in 3 clusters of north; 8 at least"),
        (items(8, 8), without_f1(items(8, 8)), "f1 of item 'north-0' was counted for one version"),
    ],
)
def test_what_cannot_be_compared_is_not_promoted(
    two: Registry,
    baseline: Sequence[Item] | None,
    candidate: Sequence[Item] | None,
    because: str,
) -> None:
    for number, found in ((1, baseline), (2, candidate)):
        if found is not None:
            measure(two, number, found)
    assert because in refusal(two)


def test_only_one_content_of_a_suite_is_compared(two: Registry) -> None:
    measure(two, 1, items(8, 8), content=Digest.of(b"easier"))
    measure(two, 2, items(8, 8))

    assert "no evidence of documents with content" in refusal(two)

    measure(two, 1, items(8, 8))
    assert two.promote("notes", 2, actor="ada").number == 2


def test_evidence_that_came_while_the_gate_was_weighing_counts(
    two: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(two, 1, items(8, 8))
    measure(two, 2, items(8, 8))
    write = two.index.write
    late = [items(5, 5)]

    def after_more_evidence() -> object:
        if late:
            measure(two, 2, late.pop())
        return write()

    monkeypatch.setattr(two.index, "write", after_more_evidence)

    assert "0.5 against 0.8" in refusal(two)


def test_evidence_that_never_stops_coming_is_a_conflict(
    two: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(two, 1, items(8, 8))
    write = two.index.write
    is_busy = [False]

    def after_more_evidence() -> object:
        if not is_busy[0]:
            is_busy[0] = True
            measure(two, 2, items(8, 8))
            is_busy[0] = False
        return write()

    monkeypatch.setattr(two.index, "write", after_more_evidence)

    with pytest.raises(Conflict, match="changed 5 times"):
        two.promote("notes", 2, actor="ada")


def test_going_back_asks_no_gate(two: Registry) -> None:
    measure(two, 1, items(8, 8))
    measure(two, 2, items(8, 8))
    two.promote("notes", 2, actor="ada")
    measure(two, 1, items(1, 1))

    assert two.rollback("notes", actor="ada").number == 1


def test_a_metric_of_which_less_is_better_is_compared_the_other_way(two: Registry) -> None:
    errors = Comparison(suite="documents", metric="f1", margin=0.05, better=Better.LOWER)
    demand(two, errors)
    measure(two, 1, items(2, 2))
    measure(two, 2, items(1, 1))

    assert two.promote("notes", 2, actor="ada").number == 2


def test_items_and_metrics_must_agree(two: Registry) -> None:
    with pytest.raises(AdmissionRefused, match="f1 of the items is"):
        two.evidence.add(
            "notes",
            1,
            kind=EvidenceKind.EVALUATION,
            suite="documents",
            suite_digest=SUITE,
            environment={},
            metrics={"f1": 0.9},
            actor="bench",
            items=items(8, 8),
        )


def test_no_two_items_have_one_name(two: Registry) -> None:
    with pytest.raises(AdmissionRefused, match="two items have this name"):
        measure(two, 1, [*items(8, 8), *items(8, 8)])


def test_items_come_back_as_they_were_given_sorted_by_name(two: Registry) -> None:
    given = items(8, 7)
    measure(two, 1, given[::-1])
    (evidence,) = two.evidence.of("notes", 1)

    assert two.evidence.items(evidence) == tuple(sorted(given, key=lambda item: item.name))


def test_a_harmonic_mean_of_errors_is_not_taken(two: Registry) -> None:
    errors = Comparison(
        suite="documents",
        metric="errors",
        margin=0.1,
        better=Better.LOWER,
        over=Over.HARMONIC_MEAN,
    )

    with pytest.raises(AdmissionRefused, match="hides the worst site"):
        demand(two, errors)


def test_a_comparison_may_be_pinned_to_a_suites_content(two: Registry) -> None:
    demand(two, replace(F1, suite_digest=Digest.of(b"the real documents")))
    measure(two, 1, items(8, 8))
    measure(two, 2, items(8, 8))

    assert "documents@sha256:" in refusal(two)


def test_what_an_alias_points_at_already_is_not_weighed(two: Registry) -> None:
    assert two.promote("notes", 1, actor="ada").number == 1
    assert two.protection.decisions("notes", "production") == []


@pytest.mark.parametrize("margin", [0, -0.1, float("inf"), float("nan")])
def test_a_margin_is_above_nothing(two: Registry, margin: float) -> None:
    with pytest.raises(AdmissionRefused, match="policy"):
        demand(two, Comparison(suite="documents", metric="f1", margin=margin))


def test_a_policy_without_comparisons_is_written_as_it_always_was() -> None:
    assert set(AliasPolicy(approvals=1).to_json()) == {"requirements", "signers", "approvals"}
    policy = AliasPolicy(comparisons=(F1, EACH_SITE), significance=0.02)
    assert AliasPolicy.from_json(policy.to_json()) == policy
