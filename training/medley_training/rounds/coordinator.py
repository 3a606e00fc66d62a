"""The coordinator: carries a run's rounds through their phases, from wherever it was stopped.

    configured → (contributions) → closed → aggregated → evaluated → published → acknowledged

Each phase ends with a file that is written last (`medley_training.rounds.run_folder.Phase`), and
does nothing twice that could come out otherwise. So a coordinator that is killed anywhere goes on
in the same round, from the same contributions, to the same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from medley_registry.adapters import Version
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.lineage import Contribution
from medley_registry.services.evidence import MOST_METRICS

from medley_training.identity.round_statement import Refusal, RoundStatement
from medley_training.rounds.acknowledging import acknowledge
from medley_training.rounds.aggregating import Aggregate, aggregate
from medley_training.rounds.assessing import assess, read_items
from medley_training.rounds.ballot import Ballot, read_ballot
from medley_training.rounds.closing import close
from medley_training.rounds.collecting import Collection
from medley_training.rounds.configuring import chosen_sites, configure, start_file
from medley_training.rounds.events import (
    Aggregated,
    Closed,
    Judged,
    Measured,
    Observer,
    Published,
    RoundStarted,
    RunFinished,
)
from medley_training.rounds.publication import Publisher, RoundResult
from medley_training.rounds.root import Root
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import (
    Phase,
    RoundFolder,
    read_json,
    write_bytes,
    write_json,
)
from medley_training.rounds.summary import summarize
from medley_training.rounds.transport import Sites
from medley_training.rounds.variants import Measure, nothing
from medley_training.strategies.base import Strategy
from medley_training.strategies.catalogue import strategy as strategy_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """Carries out one run.

    Attributes:
        run: What to carry out, and where.
        sites: The participants.
        publisher: Where versions go.
        root: The coordinator's own clean data, for the rules that need it.
        measure: Measures each round's version on the variants that the recipe names.
        observe: Told of what happens.
    """

    run: Run
    sites: Sites
    publisher: Publisher
    root: Root | None = None
    measure: Measure = nothing
    observe: Observer = field(default=lambda _: None)

    def carry_out(self) -> dict[str, Any]:
        """Do all rounds that are left; the run's summary, which is also in ``summary.json``.

        Raises:
            TooFewContributions: A round did not get enough; carrying it out again goes on there.
            RecipeError: The strategy and the rest of the recipe do not fit.
            RegistryError: A version could not be published.
        """
        started = perf_counter()
        strategy = self._strategy
        for number in range(1, self.run.recipe.rounds + 1):
            self._carry_round(self.run.folder.round(number), strategy)
        summary = summarize(self.run)
        write_json(self.run.folder.summary, summary)
        self.observe(
            RunFinished(
                digest=summary["digest"],
                version=summary["version"],
                duration_s=perf_counter() - started,
            )
        )
        return summary

    @property
    def _strategy(self) -> Strategy:
        section = self.run.recipe.strategy
        return strategy_named(section.name, **section.options)

    def _carry_round(self, folder: RoundFolder, strategy: Strategy) -> None:
        if folder.phase is Phase.ACKNOWLEDGED:
            return
        number = folder.number
        self.observe(RoundStarted(round=number, sites=chosen_sites(self.run, number)))
        steps: dict[Phase, Callable[[], object]] = {
            Phase.CONFIGURED: lambda: configure(self.run, folder, strategy),
            Phase.CLOSED: lambda: self._collect_and_close(folder, strategy),
            Phase.AGGREGATED: lambda: self._aggregate(folder, strategy),
            Phase.EVALUATED: lambda: self._evaluate(folder),
            Phase.PUBLISHED: lambda: self._publish(folder),
            Phase.ACKNOWLEDGED: lambda: acknowledge(
                self.run, folder, self.sites, observe=self.observe
            ),
        }
        for phase, step in steps.items():
            if folder.phase < phase:
                step()

    def _collect_and_close(self, folder: RoundFolder, strategy: Strategy) -> None:
        if folder.number == 1:
            self._evaluate_start(folder)
        accepted = Collection(self.run, folder, self.sites, self.observe).collect()
        ballot = close(self.run, folder, accepted, strategy, self.root, observe=self.observe)
        counted = tuple(found.participant for found in ballot.counted)
        self.observe(Closed(round=folder.number, sites=counted))

    def _evaluate_start(self, folder: RoundFolder) -> None:
        out = folder.path / "start-evaluated.json"
        if out.exists():
            return
        start = start_file(folder, self.run.recipe.lora.rank).parent
        assess(self.run, start, self.sites, number=0, out=out, observe=self.observe)

    def _aggregate(self, folder: RoundFolder, strategy: Strategy) -> None:
        started = perf_counter()
        found = aggregate(
            self.run.folder,
            folder.number,
            read_ballot(folder),
            recipe=self.run.recipe,
            strategy=strategy,
            base_name=self.run.base.name,
            out=folder.served.parent,
        )
        write_json(folder.marker(Phase.AGGREGATED), found.to_json())
        self.observe(
            Aggregated(
                round=folder.number,
                duration_s=perf_counter() - started,
                rank=found.rank,
                weights=found.weights,
                bytes=found.size_bytes,
                notes=found.notes,
            )
        )

    def _evaluate(self, folder: RoundFolder) -> None:
        out = folder.marker(Phase.EVALUATED)
        assess(
            self.run,
            folder.served,
            self.sites,
            number=folder.number,
            out=out,
            observe=self.observe,
        )

    def _publish(self, folder: RoundFolder) -> None:
        """Publish first, sign last: publishing again what is there changes nothing."""
        ballot, found = read_ballot(folder), Aggregate.of(folder)
        version = self.publisher.publish(self._result(folder, ballot, found))
        self._measure(folder, version)
        published: dict[str, Any] = {
            "version": version.reference,
            "digest": str(version.digest),
        }
        if self.publisher.alias:
            published["lacks"] = self.publisher.promote(version)
        write_json(folder.path / "published.json", published)
        statement = round_statement(self.run, folder, ballot, found)
        write_bytes(folder.marker(Phase.PUBLISHED), statement.seal(self.run.key).to_json().encode())
        self.observe(
            Published(round=folder.number, version=version.reference, digest=str(version.digest))
        )
        if self.publisher.alias:
            self.observe(
                Judged(
                    round=folder.number,
                    version=version.reference,
                    alias=self.publisher.alias,
                    lacks=tuple(published["lacks"]),
                )
            )

    def _measure(self, folder: RoundFolder, version: Version) -> None:
        """Before the gate decides, which may demand it."""
        for found in self.measure(version):
            self.observe(
                Measured(
                    round=folder.number,
                    version=version.reference,
                    variant=found.variant.value,
                    suite=found.suite,
                    metrics=found.metrics,
                )
            )

    def _result(self, folder: RoundFolder, ballot: Ballot, found: Aggregate) -> RoundResult:
        recipe = self.run.recipe
        before = None
        if folder.number > 1:
            kept = read_json(self.run.folder.round(folder.number - 1).path / "published.json")
            before = (kept["version"], Digest.parse(kept["digest"]))
        return RoundResult(
            run=self.run.name,
            recipe=self.run.recipe_digest,
            strategy=json.dumps({recipe.strategy.name: recipe.strategy.options}),
            round=folder.number,
            folder=folder.served,
            contributions=tuple(
                Contribution(
                    participant=counted.participant,
                    digest=counted.update,
                    weight=found.weights[counted.participant],
                    key_id=counted.key_id,
                )
                for counted in ballot.counted
            ),
            parent=before,
            suite=f"held-out/{recipe.data.source}",
            suite_digest=_suite_digest(self.run),
            metrics=_evidence_metrics(read_json(folder.marker(Phase.EVALUATED))),
            items=read_items(folder),
        )


def _suite_digest(run: Run) -> Digest:
    """Of all that decides what is held out and how it is scored; how it was trained is none of it.

    What a site on another machine holds out, its items say (`read_items`).
    """
    recipe = run.recipe
    return Digest.of(
        canonical_json(
            {
                "base": str(run.base.base_id),
                "data": recipe.data.model_dump(mode="json"),
                "evaluation": recipe.evaluation.model_dump(mode="json"),
                "seed": recipe.seed,
                "sites": [*recipe.sites.names],
            }
        )
    )


def _evidence_metrics(evaluated: dict[str, Any]) -> dict[str, float]:
    """All sites together under a metric's own name; under NAME/SITE each site's.

    ``NAME/minimum``, ``NAME/maximum`` and ``NAME/harmonic_mean`` are over the sites, as far as all
    have the metric.
    """
    found: dict[str, float] = dict(evaluated["pooled"])
    for site, metrics in evaluated["scores"].items():
        found |= {f"{name}/{site}": value for name, value in metrics.items()}
    for name, spread in evaluated["fairness"].items():
        found |= {f"{name}/{of}": spread[of] for of in ("minimum", "harmonic_mean")}
        values = (metrics[name] for metrics in evaluated["scores"].values())
        found[f"{name}/maximum"] = max(values)
    return found if len(found) <= MOST_METRICS else dict(evaluated["pooled"])


def round_statement(
    run: Run, folder: RoundFolder, ballot: Ballot, found: Aggregate
) -> RoundStatement:
    """What the coordinator signs at the end of a round."""
    recipe = run.recipe
    return RoundStatement(
        run=run.name,
        recipe=run.recipe_digest,
        round=folder.number,
        start=Digest.of(start_file(folder, recipe.lora.rank).read_bytes()),
        inputs=tuple(counted.input for counted in ballot.counted),
        refused=tuple(
            Refusal(participant=name, reason=reason)
            for name, reason in sorted(ballot.refused.items())
        ),
        root=ballot.root,
        strategy=recipe.strategy.name,
        options=dict(recipe.strategy.options),
        output=found.output,
        next_start=found.next_start,
        state=found.state,
    )
