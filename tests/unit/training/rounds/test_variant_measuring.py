"""Which variants of a round's version are made, served and measured, and what is not done twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from medley_registry import BaseModel, Digest, EvidenceKind, Registry, Version, open_registry
from medley_registry.location import locate
from medley_registry.variants import VariantKind
from medley_training.benchmarks import benchmark, recording
from medley_training.errors import BadSuite, CannotQuantize
from medley_training.quantizing import making
from medley_training.rounds.variant_measuring import VariantMeasuring
from medley_training.suites import sitting
from medley_training.suites.outcome import Outcome
from medley_training.suites.sitting import Sitting
from pydantic import ValidationError

from tests.builders import make_adapter, make_base
from tests.unit.training.rounds.runs import recipe

BF16, NF4 = VariantKind.BF16, VariantKind.NF4


@dataclass
class Machine:
    """Stands for servers and makers: says what was asked of it."""

    made: list[str] = field(default_factory=list)
    served: list[VariantKind] = field(default_factory=list)
    benched: list[tuple[VariantKind, ...]] = field(default_factory=list)

    @contextmanager
    def server(self, own: object, base: BaseModel, kind: VariantKind, **_: object) -> Iterator[str]:
        self.served.append(kind)
        yield "http://nowhere"

    def sit(
        self, url: str, suites: list[Any], models: list[Any], *, variant: VariantKind, **_: object
    ) -> Sitting:
        outcomes = tuple(
            Outcome(
                model=models[0],
                suite=suite.name,
                suite_digest=suite.digest,
                main_metric="pass_rate",
                answers=(),
                metrics={"pass_rate": 0.75, "pass_rate/ci_low": 0.5},
                took_s=1.0,
            )
            for suite in suites
        )
        return Sitting(outcomes, {}, variant)

    def make_base(self, registry: Registry, base: BaseModel, maker: object, **told: Any) -> None:
        self.made.append(told["name"])
        folder = make_base(told["folder"], fill=9)
        registry.add_base(
            told["name"], folder, actor="test", derived_from=base.name, recipe={"method": "nf4"}
        )

    def run_benchmark(self, plan: Any, *_: object, **__: object) -> Any:
        self.benched.append(plan.variants)
        return plan

    def record(self, registry: Registry, plan: Any, *, actor: str) -> None:
        for kind in plan.variants:
            registry.evidence.add(
                "town",
                1,
                variant=kind,
                kind=EvidenceKind.BENCHMARK,
                suite=plan.suite,
                suite_digest=plan.loads[0].digest,
                environment={},
                metrics={"latency_p95_ms": 80.0, "a1/tokens": 32.0},
                actor=actor,
            )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    found = Machine()
    monkeypatch.setenv("MEDLEY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sitting, "server", found.server)
    monkeypatch.setattr(sitting, "sit", found.sit)
    monkeypatch.setattr(making, "make_base", found.make_base)
    monkeypatch.setattr(benchmark, "run_benchmark", found.run_benchmark)
    monkeypatch.setattr(recording, "record", found.record)
    return found


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry", create=True) as opened:
        opened.add_base("tiny", make_base(tmp_path / "base"), actor="test")
        opened.publish(make_adapter(tmp_path / "adapter"), name="town", base="tiny", actor="test")
        yield opened


def measuring(registry: Registry, tmp_path: Path, **changes: Any) -> VariantMeasuring:
    return VariantMeasuring(
        registry=registry,
        place=locate(tmp_path / "registry"),
        base=registry.base("tiny"),
        recipe=recipe(**{"variants": ["nf4"], **changes}),
        logs=tmp_path / "logs",
    )


def town(registry: Registry) -> Version:
    return registry.resolve("town:1")


def test_every_variant_is_made_evaluated_and_benchmarked(
    machine: Machine, registry: Registry, tmp_path: Path
) -> None:
    found = [*measuring(registry, tmp_path)(town(registry))]

    assert machine.made == ["tiny-nf4"]
    assert machine.served == [BF16, NF4]
    assert machine.benched == [(BF16, NF4)]
    assert [(each.variant, each.suite) for each in found] == [
        (BF16, "prompts"),
        (NF4, "prompts"),
        (BF16, "bench-quick"),
        (NF4, "bench-quick"),
    ]
    assert found[0].metrics == {"pass_rate": 0.75}
    assert found[2].metrics == {"latency_p95_ms": 80.0}
    recorded = {(each.variant, each.suite) for each in registry.evidence.of("town", 1)}
    assert recorded == {(each.variant, each.suite) for each in found}


def test_what_is_recorded_is_told_again_and_not_measured_again(
    machine: Machine, registry: Registry, tmp_path: Path
) -> None:
    first = [*measuring(registry, tmp_path)(town(registry))]

    again = [*measuring(registry, tmp_path)(town(registry))]

    assert again == first
    assert (len(machine.made), len(machine.served), len(machine.benched)) == (1, 2, 1)


def test_evidence_of_somebody_else_does_not_stand_for_a_measurement(
    machine: Machine, registry: Registry, tmp_path: Path
) -> None:
    registry.evidence.add(
        "town",
        1,
        kind=EvidenceKind.EVALUATION,
        suite="prompts",
        suite_digest=Digest.of(b"three easy ones"),
        environment={},
        metrics={"pass_rate": 1.0},
        actor="eve",
    )

    found = next(measuring(registry, tmp_path)(town(registry)))

    assert machine.served == [BF16]
    assert found.metrics == {"pass_rate": 0.75}


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"measuring": {"suites": ["prompt"]}}, BadSuite), ({"variants": ["awq"]}, CannotQuantize)],
)
def test_what_cannot_be_measured_is_refused_before_the_first_round(
    registry: Registry, tmp_path: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    (registry.base("tiny").path / "config.json").write_text('{"quantization_config": {}}')
    with pytest.raises(error):
        measuring(registry, tmp_path, **changes).check()


def test_a_run_is_not_measured_on_what_it_learns_from(tmp_path: Path) -> None:
    questions = {"source": "medmcqa", "path": str(tmp_path / "dev.json")}
    with pytest.raises(ValidationError, match="learns from"):
        recipe(data=questions, measuring={"data": {"medmcqa": str(tmp_path / "dev.json")}})
    with pytest.raises(ValidationError, match="compare rounds by"):
        recipe(measuring={"suites": ["lm-eval:medqa_4options"]})


def test_without_variants_nothing_is_measured(
    machine: Machine, registry: Registry, tmp_path: Path
) -> None:
    nothing = measuring(registry, tmp_path, variants=[])

    nothing.check()

    assert [*nothing(town(registry))] == []
    assert machine == Machine()
