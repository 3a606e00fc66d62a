"""Federated against every site alone and against pooled training, on held-out data of each site.

    python -m tests.bench.federation.compare documents --base DIR --out DIR [--seed 1 …]
    python -m tests.bench.federation.compare medmcqa --data FILE --alpha 0.1 --base DIR --out DIR

All arms train with the same coordinator, learning rates and passes over the data, so pooled
training takes as many steps as all sites together. A site alone is scored on its own held-out
examples, which is what joining must beat for it. Results are kept under --out and found again.
"""

import json
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer
from medley_training.data.federated import site_data
from medley_training.data.labelled import SiteData
from medley_training.evaluation.fairness import fairness
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import NO_SCORES, Scores
from medley_training.recipe import Recipe

from tests.bench.federation import recipes
from tests.bench.federation.arms import carry_out, score

ARMS = ("alone", "federated", "pooled")


def compare(recipe: Recipe, plan: EvaluationPlan, out: Path) -> dict[str, Any]:
    """Train all arms for one partition seed; each arm's scores by site."""
    found = out / "scores.json"
    if found.exists():
        return dict(json.loads(found.read_text()))
    data = site_data(recipe.data, recipe.sites.names, recipe.seed)
    everybody = SiteData(tuple(e for s in data.sites.values() for e in s.train), ())
    federated = carry_out(recipe, data.sites, out / "federated")
    pooled = carry_out(recipe, {"pooled": everybody}, out / "pooled")
    scores: dict[str, dict[str, Scores]] = {arm: {} for arm in ARMS}
    for site, own in data.sites.items():
        alone = carry_out(recipe, {site: own}, out / f"alone-{site}")
        for arm, adapter in (("alone", alone), ("federated", federated), ("pooled", pooled)):
            scores[arm][site] = score(recipe, adapter, own, plan)
            _say(arm, site, scores[arm][site])
    summary = {arm: _summary(by_site) for arm, by_site in scores.items()}
    found.write_text(json.dumps(summary, indent=1))
    return summary


def _summary(by_site: dict[str, Scores]) -> dict[str, Any]:
    spread = {
        metric: {"mean": f.mean, "minimum": f.minimum, "harmonic_mean": f.harmonic_mean}
        for metric, f in fairness(by_site).items()
    }
    return {
        "sites": {site: found.metrics() for site, found in by_site.items()},
        "pooled": sum(by_site.values(), NO_SCORES).metrics(),
        "fairness": spread,
    }


def _say(arm: str, site: str, found: Scores) -> None:
    shown = ", ".join(f"{name} {value:.4f}" for name, value in found.metrics().items())
    typer.echo(f"  {arm:10} {site:10} {shown}", err=True)


def table(results: list[dict[str, Any]], metric: str) -> None:
    """Means over the partition seeds; the range of the seeds in brackets."""
    typer.echo(f"\n{metric:18} {'mean':>22} {'minimum':>22} {'harmonic mean':>22}")
    for arm in ARMS:
        cells = []
        for figure in ("mean", "minimum", "harmonic_mean"):
            values = [each[arm]["fairness"][metric][figure] for each in results]
            low, high = min(values), max(values)
            cells.append(f"{statistics.fmean(values):.4f} [{low:.3f}, {high:.3f}]")
        typer.echo(f"{arm:18} " + " ".join(f"{cell:>22}" for cell in cells))


def main(
    task: Annotated[str, typer.Argument(help="documents, medmcqa or pubmedqa")],
    *,
    base: Annotated[Path, typer.Option(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(file_okay=False)],
    data: Annotated[Path | None, typer.Option(exists=True)] = None,
    alpha: Annotated[float, typer.Option()] = 0.5,
    seed: Annotated[list[int] | None, typer.Option()] = None,
    extraction: Annotated[bool, typer.Option(help="Generate answers too: slow.")] = False,
) -> None:
    """Compare the arms over partition seeds (1, 2 and 3 unless given)."""
    results = []
    for number in seed or [1, 2, 3]:
        if task == "documents":
            recipe = recipes.documents(base, seed=number)
            plan = recipes.EXTRACTION if extraction else recipes.LOSS
            folder = out / f"documents-{number}"
        else:
            assert data is not None, "questions need --data"
            recipe = recipes.questions(base, seed=number, alpha=alpha, path=data, source=task)
            plan, folder = recipes.CHOICES, out / f"{task}-{alpha}-{number}"
        typer.echo(f"{folder.name}", err=True)
        results.append(compare(recipe, plan, folder))
    for metric in sorted(results[0]["federated"]["fairness"]):
        table(results, metric)


if __name__ == "__main__":
    typer.run(main)
