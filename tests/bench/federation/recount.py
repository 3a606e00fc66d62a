"""The last round of a run, counted otherwise: other weights, or one site that lies.

    python -m tests.bench.federation.recount weights RUN --base DIR
    python -m tests.bench.federation.recount attack RUN --base DIR

The contributions are those that the run kept, so nothing is trained again. Each aggregate is scored
on the held-out examples of all sites: the aggregate, not what was averaged into it. Rules that need
clean data get what the same source makes with another seed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from medley_training.data.federated import FederatedData, site_data
from medley_training.data.labelled import SiteData
from medley_training.errors import TooFewContributions
from medley_training.evaluation.scores import NO_SCORES, Scores, pooled
from medley_training.factors import Adapter, Factors, TensorAdapter, adapter_of, tensors_of
from medley_training.identity.envelope import Envelope
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape
from medley_training.recipe import Recipe
from medley_training.rounds.ballot import open_start, open_votes, read_ballot, read_statement
from medley_training.rounds.run import recorded_recipe
from medley_training.rounds.run_folder import RoundFolder, RunFolder
from medley_training.rounds.site_training import SiteTraining
from medley_training.strategies.base import Context, Vote
from medley_training.strategies.catalogue import strategy
from medley_training.strategies.weighting import RULES, Report, weights

from tests.bench.federation.recipes import LOSS

_ROOT_SEED = 1_000_003
_ROOT_EXAMPLES = 12
LIES: Mapping[str, float] = {"honest": 1.0, "sign flip": -1.0, "times 10": 10.0}
AGAINST_LIES = ("fedavg", "stacking", "geometric_median", "median", "trimmed_mean", "krum")


@dataclass(frozen=True, slots=True)
class Recount:
    """A run's last round and what is needed to score another outcome of it."""

    recipe: Recipe
    folder: RoundFolder
    data: FederatedData
    base: Path

    @classmethod
    def of(cls, path: Path, base: Path) -> "Recount":
        run = RunFolder(path)
        recipe = recorded_recipe(run)
        data = site_data(recipe.data, recipe.sites.names, recipe.seed)
        return cls(recipe, run.round(recipe.rounds), data, base)

    def votes(self) -> tuple[Vote, ...]:
        return open_votes(self.folder, read_ballot(self.folder))

    def start(self) -> TensorAdapter:
        return open_start(self.folder, self.recipe.lora.shape())

    def context(self, root: Adapter | None = None) -> Context:
        shape = self.recipe.lora.shape()
        return Context(start=self.start(), round=self.folder.number, shape=shape, root=root)

    def score(self, adapter: Adapter, *, on: SiteData | None = None) -> Scores:
        rank = max(adapter.factors(module).rank for module in adapter.modules)
        modules = self.recipe.lora.target_modules
        shape = LoraShape(rank=rank, alpha=rank, target_modules=modules)
        tensors = {name: t.float().contiguous() for name, t in tensors_of(folded(adapter))}
        held_out = [on] if on else list(self.data.sites.values())
        found = NO_SCORES
        for own in held_out:
            precision = self.recipe.base.precision
            learner = SiteTraining(self.base, precision, own, ledger=Path("unused"))
            found += pooled(learner.score(tensors, shape, LOSS))
        return found

    def root_data(self) -> SiteData:
        drawn = site_data(self.recipe.data, self.recipe.sites.names, _ROOT_SEED)
        clean = [example for own in drawn.sites.values() for example in own.held_out]
        return SiteData(tuple(clean[:_ROOT_EXAMPLES]), tuple(clean[:_ROOT_EXAMPLES]))


def folded(adapter: Adapter) -> TensorAdapter:
    """The same update with every scale inside B."""
    return TensorAdapter(
        {
            module: Factors(found.a, found.b * found.scale, 1.0)
            for module in adapter.modules
            for found in [adapter.factors(module)]
        }
    )


def by_weights(run: Path, *, base: Annotated[Path, typer.Option(exists=True)]) -> None:
    """Score the aggregate under every rule of weighting."""
    recount = Recount.of(run, base)
    root = recount.root_data()
    before = recount.score(recount.start(), on=root).metrics()["loss"]
    reports = []
    for vote in recount.votes():
        said = read_statement(recount.folder, vote.participant)
        assert said.losses is not None
        gain = before - recount.score(vote.adapter, on=root).metrics()["loss"]
        reports.append(
            Report(
                participant=vote.participant,
                num_examples=said.sample_bucket,
                loss_first=said.losses.first,
                loss_last=said.losses.last,
                utility=gain,
            )
        )
    for rule in sorted(RULES):
        share = weights(rule, reports)
        votes = [replace(vote, weight=share[vote.participant]) for vote in recount.votes()]
        served = strategy("stacking").aggregate(recount.context(), votes, {}).served
        shown = " ".join(f"{name} {value:.3f}" for name, value in share.items())
        _print(rule, recount.score(served), shown)


def by_attack(run: Path, *, base: Annotated[Path, typer.Option(exists=True)]) -> None:
    """Let the first site lie, and score what each rule makes of it."""
    recount = Recount.of(run, base)
    _print("start", recount.score(recount.start()), "")
    trusted = _trained_by_coordinator(recount)
    for lie, factor in LIES.items():
        votes = list(recount.votes())
        votes[0] = replace(votes[0], adapter=_lied(votes[0].adapter, recount.start(), factor))
        for name in (*AGAINST_LIES, "fltrust"):
            try:
                outcome = strategy(name).aggregate(recount.context(trusted), votes, {})
            except TooFewContributions as error:
                typer.echo(f"{lie:10} {name:18} {error}")
                continue
            _print(f"{lie:10} {name}", recount.score(outcome.served), "")


def _lied(adapter: Adapter, start: Adapter, factor: float) -> TensorAdapter:
    """The start with `factor` times the change of each factor, as a site would send it."""
    moved = {}
    for module in adapter.modules:
        after, before = adapter.factors(module), start.factors(module)
        a = before.a + factor * (after.a - before.a)
        b = before.b + factor * (after.b - before.b)
        moved[module] = Factors(a, b, after.scale)
    return TensorAdapter(moved)


def _trained_by_coordinator(recount: Recount) -> Adapter:
    """What FLTrust compares with: one site's work on the clean examples."""
    precision = recount.recipe.base.precision
    learner = SiteTraining(recount.base, precision, recount.root_data(), ledger=Path("none"))
    text = recount.folder.task(recount.recipe.sites.names[0]).read_text(encoding="utf-8")
    task = Task.from_json(json.loads(Envelope.from_json(text).payload))
    start = dict(tensors_of(recount.start()))
    learnt = learner.learn(task, start, lambda _: None)
    return adapter_of({**start, **learnt.tensors}, recount.recipe.lora.shape())


def _print(what: str, scores: Scores, more: str) -> None:
    shown = ", ".join(f"{name} {value:.4f}" for name, value in scores.metrics().items())
    typer.echo(f"{what:30} {shown}  {more}")


app = typer.Typer(add_completion=False)
app.command("weights")(by_weights)
app.command("attack")(by_attack)

if __name__ == "__main__":
    app()
