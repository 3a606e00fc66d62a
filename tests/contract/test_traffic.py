"""What aliases do with requests besides answering by their target."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import (
    AdmissionRefused,
    AliasNotFound,
    AliasPolicy,
    AliasProtected,
    Bounds,
    Conflict,
    EventKind,
    NotServable,
    Registry,
    StaleRevision,
    Stick,
    Traffic,
    VersionNotFound,
)
from medley_registry.traffic import position

from tests.builders import TINY

TRIED = Traffic(canary=2, weight=10, bounds=Bounds(max_error_rate=0.02))


@pytest.fixture
def notes(registry: Registry, adapter_folder: Callable[[int], Path]) -> Registry:
    """`notes` in three versions, the first in production."""
    for content in (1, 2, 3):
        registry.publish(adapter_folder(content), name="notes", base=TINY, actor="ada")
    registry.promote("notes", 1, actor="ada")
    return registry


def traffic_of(registry: Registry) -> Traffic:
    rule = registry.traffic.of("notes", "production")
    assert rule is not None
    return rule.traffic


def test_an_alias_without_a_rule_leaves_everything_to_its_target(notes: Registry) -> None:
    assert notes.traffic.of("notes", "production") is None
    assert notes.traffic.history("notes", "production") == []
    assert notes.traffic.steered() == []


def test_a_rule_that_was_set_is_in_force_and_in_the_log(notes: Registry) -> None:
    rule = notes.traffic.set("notes", "production", TRIED, actor="eve")

    assert (rule.revision, rule.generation, rule.traffic, rule.halted) == (1, 1, TRIED, "")
    assert notes.traffic.of("notes", "production") == rule
    (event,) = notes.events(after=notes.head() - 1)
    assert (event.kind, event.actor) == (EventKind.TRAFFIC_SET, "eve")
    assert event.subject == "notes@production"
    assert event.payload["traffic"] == TRIED.to_json()


@pytest.mark.parametrize("traffic", [Traffic(), TRIED, Traffic(shadow=3, share=0.5)])
def test_a_rule_survives_json(traffic: Traffic) -> None:
    assert Traffic.from_json(traffic.to_json()) == traffic


def test_setting_compares_the_revision_first(notes: Registry) -> None:
    notes.traffic.set("notes", "production", TRIED, actor="eve", expected_revision=0)

    with pytest.raises(StaleRevision) as stale:
        notes.traffic.set("notes", "production", Traffic(), actor="ada", expected_revision=0)

    assert stale.value.revision == 1
    assert traffic_of(notes) == TRIED


@pytest.mark.parametrize("is_back", [False, True])
def test_any_move_of_the_alias_ends_canary_and_shadow_and_leaves_the_bounds(
    notes: Registry, is_back: bool
) -> None:
    notes.promote("notes", 3, actor="ada")
    tried = Traffic(canary=2, weight=50, stick=Stick.KEY, shadow=2, share=5, bounds=TRIED.bounds)
    notes.traffic.set("notes", "production", tried, actor="eve")

    if is_back:
        notes.rollback("notes", actor="ada")
    else:
        notes.promote("notes", 2, actor="ada")

    assert traffic_of(notes) == Traffic(stick=Stick.KEY, bounds=TRIED.bounds)
    (steered,) = notes.traffic.steered()
    assert steered.rule.traffic == traffic_of(notes)
    assert (steered.promoted_at is None) == is_back


def test_the_first_promotion_is_not_watched_for_there_is_nothing_to_go_back_to(
    notes: Registry,
) -> None:
    notes.traffic.set("notes", "production", TRIED, actor="eve")

    (steered,) = notes.traffic.steered()

    assert steered.promoted_at is None
    assert steered.alias.generation == 1


def test_halting_takes_the_requests_and_leaves_the_rest_of_the_rule(notes: Registry) -> None:
    both = Traffic(canary=2, weight=10, shadow=3, share=20, bounds=TRIED.bounds)
    notes.traffic.set("notes", "production", both, actor="eve")

    halted = notes.traffic.halt("notes", "production", 2, reason="it fails", actor="server a")

    assert halted.traffic == Traffic(canary=2, shadow=3, share=20, bounds=TRIED.bounds)
    assert (halted.revision, halted.halted) == (2, "it fails")
    assert notes.traffic.of("notes", "production") == halted
    assert notes.events(after=notes.head() - 1)[0].kind is EventKind.TRAFFIC_HALTED


def test_a_version_that_is_canary_and_shadow_is_halted_as_both(notes: Registry) -> None:
    both = Traffic(canary=2, weight=10, shadow=2, share=20)
    notes.traffic.set("notes", "production", both, actor="eve")

    halted = notes.traffic.halt("notes", "production", 2, reason="it fails", actor="server a")

    assert halted.traffic == Traffic(canary=2, shadow=2)


def test_of_two_servers_that_halt_the_same_rule_one_is_first(notes: Registry) -> None:
    rule = notes.traffic.set("notes", "production", TRIED, actor="eve")
    for_both: dict[str, Any] = {"reason": "it fails", "expected_revision": rule.revision}
    notes.traffic.halt("notes", "production", 2, actor="server a", **for_both)

    with pytest.raises(StaleRevision):
        notes.traffic.halt("notes", "production", 2, actor="server b", **for_both)
    with pytest.raises(Conflict):
        notes.traffic.halt("notes", "production", 2, reason="again", actor="server b")

    assert len(notes.traffic.history("notes", "production")) == 2


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(canary=1, weight=5),
        Traffic(weight=5),
        Traffic(share=5),
        Traffic(canary=2, weight=101),
        Traffic(canary=2, weight=-1),
        Traffic(canary=2, weight=float("nan")),
        Traffic(bounds=Bounds(max_error_rate=1.5)),
        Traffic(bounds=Bounds(max_latency_ratio=0.5)),
        Traffic(bounds=Bounds(min_agreement=-0.1)),
        Traffic(bounds=Bounds(min_requests=0)),
        Traffic(bounds=Bounds(window_s=0)),
        Traffic(bounds=Bounds(watch_s=60)),
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(notes: Registry, traffic: Traffic) -> None:
    with pytest.raises(AdmissionRefused, match="rule traffic"):
        notes.traffic.set("notes", "production", traffic, actor="eve")

    assert notes.traffic.of("notes", "production") is None


def test_only_versions_that_may_be_promoted_are_tried(notes: Registry) -> None:
    notes.lifecycle.deprecate("notes", 3, actor="eve")

    with pytest.raises(NotServable):
        notes.traffic.set("notes", "production", Traffic(canary=3), actor="eve")
    with pytest.raises(NotServable):
        notes.traffic.set("notes", "production", Traffic(shadow=3), actor="eve")
    with pytest.raises(VersionNotFound):
        notes.traffic.set("notes", "production", Traffic(canary=9, weight=1), actor="eve")
    with pytest.raises(AliasNotFound):
        notes.traffic.set("notes", "stable", Traffic(canary=2), actor="eve")


def test_a_protected_alias_gives_requests_only_to_what_it_could_be_promoted_to(
    notes: Registry,
) -> None:
    notes.protection.set("notes", "production", AliasPolicy(approvals=1), actor="eve")
    notes.traffic.set("notes", "production", Traffic(canary=2, shadow=3, share=9), actor="ada")

    with pytest.raises(AliasProtected, match="1 more approval"):
        notes.traffic.set("notes", "production", TRIED, actor="ada")
    notes.protection.approve("notes", 2, alias="production", actor="eve")
    notes.traffic.set("notes", "production", TRIED, actor="ada")
    notes.protection.set("notes", "production", AliasPolicy(approvals=2), actor="eve")

    less = Traffic(canary=2, weight=5)
    notes.traffic.set("notes", "production", less, actor="ada")
    assert traffic_of(notes) == less, "to take requests back needs nobody's consent"
    with pytest.raises(AliasProtected):
        notes.traffic.set("notes", "production", TRIED, actor="ada")


@given(st.text(max_size=40), st.integers(1, 99))
def test_every_sticky_key_has_one_place_below_1(sticky: str, number: int) -> None:
    place = position("notes@production", number, sticky)

    assert 0 <= place < 1
    assert place == position("notes@production", number, sticky)


def test_sticky_keys_are_spread_evenly_and_anew_for_each_version() -> None:
    places = {
        number: [position("notes@production", number, f"user-{n}") for n in range(4000)]
        for number in (2, 3)
    }

    for drawn in places.values():
        assert abs(sum(place < 0.1 for place in drawn) / 4000 - 0.1) < 0.02
    both = sum(two < 0.1 and three < 0.1 for two, three in zip(*places.values(), strict=True))
    assert both / 4000 < 0.02, "the same users would be tried on again and again"
