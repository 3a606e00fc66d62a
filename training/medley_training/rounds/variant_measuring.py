"""Measuring each round's version on the forms of its base that the recipe names.

A form that is missing is made (`medley_training.quantizing`), a server is started on each, and what
the suites and the benchmark find is evidence of that variant. What is recorded is not measured
again, so a coordinator that was stopped goes on where it was.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.adapters import Version
from medley_registry.base_variants import base_variant
from medley_registry.bases import BaseModel
from medley_registry.benchmark_rows import PLAIN_NAMES
from medley_registry.digest import Digest
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.location import Location, medley_home
from medley_registry.registry import Registry
from medley_registry.variants import VariantKind

from medley_training.errors import RecipeError
from medley_training.recipe import Recipe
from medley_training.rounds.publication import ACTOR
from medley_training.rounds.variants import Measurement

if TYPE_CHECKING:
    from medley_training.benchmarks.plan import Plan
    from medley_training.quantizing.maker import Maker
    from medley_training.suites.suite import Observer, Suite

_BENCH = "bench-quick"
_CONCURRENCY = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantMeasuring:
    """Measures versions of one run; calling it is `medley_training.rounds.variants.Measure`.

    Attributes:
        registry: Where versions and evidence are.
        place: The same, as a server is told.
        base: What the run trains on.
        recipe: Says which variants, suites and how many items.
        logs: A folder for what the servers print.
    """

    registry: Registry
    place: Location
    base: BaseModel
    recipe: Recipe
    logs: Path

    def check(self) -> None:
        """Refuse now what would be refused after a round.

        Raises:
            RecipeError: There is no server to measure with.
            BadSuite, BadSource: A suite cannot be asked.
            CannotQuantize: A form of the base cannot be made.
        """
        if not self.recipe.variants:
            return
        if find_spec("vllm") is None:
            raise RecipeError("variants are measured as they are served: install the server too")
        self._suites()
        for kind in map(VariantKind, self.recipe.variants):
            if base_variant(self.registry, self.base, kind) is None:
                self._maker(kind)

    def __call__(self, version: Version) -> Iterator[Measurement]:
        """Measure a version on bf16 and on each variant of the recipe.

        Raises:
            CannotQuantize: A form of the base cannot be made.
            ServerDidNotStart, NotMeasured: It cannot be served, or does not answer.
        """
        if not self.recipe.variants:
            return
        kinds = (VariantKind.BF16, *map(VariantKind, self.recipe.variants))
        for kind in kinds[1:]:
            self._make(kind)
        self.logs.mkdir(parents=True, exist_ok=True)
        suites = self._suites()
        for kind in kinds:
            yield from self._evaluate(version, kind, suites)
        if self.recipe.measuring.bench:
            yield from self._bench(version, kinds)

    def _suites(self) -> "list[Suite]":
        """The suites, with other items than the run learns from."""
        from medley_training.suites.catalogue import Selection, open_suite

        recipe, measuring = self.recipe, self.recipe.measuring
        makes_documents = recipe.data.source == "documents"
        selection = Selection(
            data=measuring.data,
            limit=measuring.limit,
            sites=recipe.sites.names if makes_documents else (),
            types=recipe.data.document_types,
            seed=recipe.seed + 1,  # documents are made up by it
        )
        names = measuring.suites or ("extraction" if makes_documents else "prompts",)
        return [open_suite(name, selection, self.base) for name in names]

    def _maker(self, kind: VariantKind) -> "Maker":
        from medley_training.quantizing.choosing import Wanted, base_maker

        return base_maker(self.base, Wanted(method=kind.value))

    def _make(self, kind: VariantKind) -> None:
        if base_variant(self.registry, self.base, kind) is not None:
            return
        from medley_training.quantizing.making import make_base

        name = f"{self.base.name}-{kind}"
        make_base(
            self.registry,
            self.base,
            self._maker(kind),
            name=name,
            folder=medley_home() / "bases" / name,
            actor=ACTOR,
            progress=lambda _done, _total: None,
        )

    def _evaluate(
        self, version: Version, kind: VariantKind, suites: "Sequence[Suite]"
    ) -> Iterator[Measurement]:
        due = [each for each in suites if not self._known(version, kind, each.name, each.digest)]
        if due:
            self._sit(version, kind, due)
        for each in suites:
            yield from self._known(version, kind, each.name, each.digest)[-1:]

    def _sit(self, version: Version, kind: VariantKind, suites: "Sequence[Suite]") -> None:
        from medley_training.measuring.fingerprint import environment
        from medley_training.suites.evaluated import EvaluatedModel
        from medley_training.suites.recording import record
        from medley_training.suites.sitting import Own, server, sit

        model = EvaluatedModel(self.base, version)
        own = Own(registry=self.place, log=self.logs / f"serve-{kind}.log")
        with server(own, self.base, kind, is_base_alone=False) as address:
            sitting = sit(
                address,
                suites,
                [model],
                variant=kind,
                concurrency=_CONCURRENCY,
                seed=self.recipe.seed,
                show=_unseen,
            )
        for outcome in sitting.outcomes:
            record(
                self.registry,
                outcome,
                variant=kind,
                environment=environment(sitting.facts),
                actor=ACTOR,
            )

    def _bench(self, version: Version, kinds: Sequence[VariantKind]) -> Iterator[Measurement]:
        plan = _quick_plan(tuple(kinds))
        digest = plan.loads[0].digest
        if not all(self._known(version, kind, _BENCH, digest) for kind in kinds):
            self._run_bench(version, plan)
        for kind in kinds:
            yield from self._known(version, kind, _BENCH, digest)[-1:]

    def _run_bench(self, version: Version, plan: "Plan") -> None:
        from medley_training.benchmarks.benchmark import run_benchmark
        from medley_training.benchmarks.recording import record

        found = run_benchmark(
            plan,
            self.registry,
            self.base,
            [version],
            logs=self.logs,
            progress=lambda _done, _total: None,
        )
        record(self.registry, found, actor=ACTOR)

    def _known(
        self, version: Version, kind: VariantKind, suite: str, content: Digest
    ) -> list[Measurement]:
        """What rounds recorded of this; what others measured may be of less, or of other items."""
        wanted = (kind, suite, content, ACTOR)
        return [
            Measurement(variant=kind, suite=suite, metrics=_headlines(each))
            for each in self.registry.evidence.of(version.adapter, version.number)
            if (each.variant, each.suite, each.suite_digest, each.actor) == wanted
        ]


def _quick_plan(kinds: tuple[VariantKind, ...]) -> "Plan":
    """One adapter on every form, in turns; without the transformers lane, which serves nobody."""
    from medley_training.benchmarks.answer import Slo
    from medley_training.benchmarks.load import LoadKind
    from medley_training.benchmarks.plan import Plan, loads

    return Plan(
        variants=kinds,
        counts=(1,),
        loads=loads(
            kind=LoadKind.CLOSED,
            concurrency="8",
            rate_per_s=None,
            input_tokens=None,
            output_tokens=None,
            requests=None,
            seed=0,
            shares_prefix=False,
            is_quick=True,
        ),
        repeats=1,
        slo=Slo(2000, 100),
        has_transformers=False,
        is_quick=True,
    )


def _headlines(evidence: Evidence) -> dict[str, float]:
    """What an event tells of it; the rest is in the registry."""
    metrics = evidence.metrics
    if evidence.kind is EvidenceKind.BENCHMARK:
        return {name: metrics[name] for name in PLAIN_NAMES if name in metrics}
    return {name: value for name, value in metrics.items() if not set("/@") & set(name)}


@contextmanager
def _unseen(_name: str) -> Iterator["Observer"]:
    """The run's own display says what was found."""
    yield lambda _done, _total: None
