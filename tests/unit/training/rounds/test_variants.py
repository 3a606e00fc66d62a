"""Rounds whose versions are measured on the forms of their base, before the gate decides."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import AliasPolicy, Digest, EvidenceKind, Requirement, Version, open_registry
from medley_registry.variants import VariantKind
from medley_training.recipe import Recipe
from medley_training.rounds.event_text import event_text
from medley_training.rounds.events import Event, Judged, Measured
from medley_training.rounds.variants import Measurement
from pydantic import ValidationError

from tests.unit.training.rounds.runs import Town, recipe


class Recorder:
    """Records a latency of each version as `medley bench` does."""

    def __init__(self, folder: Path, p95_ms: float) -> None:
        self._registry = folder / "registry"
        self._p95_ms = p95_ms

    def __call__(self, version: Version) -> Iterator[Measurement]:
        metrics = {"latency_p95_ms": self._p95_ms}
        with open_registry(self._registry) as registry:
            registry.evidence.add(
                version.adapter,
                version.number,
                kind=EvidenceKind.BENCHMARK,
                suite="bench-quick",
                suite_digest=Digest.of(b"load"),
                environment={},
                metrics=metrics,
                actor="test",
            )
        yield Measurement(variant=VariantKind.BF16, suite="bench-quick", metrics=metrics)


def demand_latency(folder: Path) -> None:
    with open_registry(folder / "registry") as registry:
        bound = Requirement(
            kind=EvidenceKind.BENCHMARK, suite="bench-quick", metric="latency_p95_ms", at_most=100
        )
        policy = AliasPolicy(requirements=(bound,))
        registry.protection.set("town", "production", policy, actor="eve")


def of_kind(made: Town, *kinds: type[Event]) -> list[Event]:
    return [event for event in made.events if isinstance(event, kinds)]


@pytest.mark.parametrize(("p95_ms", "lacks"), [(80.0, 0), (120.0, 1)])
def test_a_round_is_judged_by_what_was_measured_of_it_just_before(
    tmp_path: Path, p95_ms: float, lacks: int
) -> None:
    Town(tmp_path, recipe(rounds=1), name="first").carry_out()
    demand_latency(tmp_path)
    made = Town(tmp_path, recipe(rounds=1, seed=8), promote="production", name="second")
    made.measure = Recorder(tmp_path, p95_ms)

    made.carry_out()

    measured, judged = of_kind(made, Measured, Judged)
    assert isinstance(measured, Measured)
    assert isinstance(judged, Judged)
    assert len(judged.lacks) == lacks
    assert "round 1: town:2 on bf16, bench-quick: " in str(event_text(measured))


def test_a_recipe_names_the_variants() -> None:
    named = recipe(variants=["nf4", "awq"], measuring={"suites": ["prompts"], "bench": False})

    assert named.variants == ("nf4", "awq")
    with pytest.raises(ValidationError, match="variants"):
        Recipe.model_validate({**named.to_json(), "variants": ["int8"]})
