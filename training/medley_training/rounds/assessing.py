"""The fifth phase of a round: every site scores the aggregate on what it holds out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medley_registry.digest import Digest

from medley_training.evaluation.fairness import fairness
from medley_training.evaluation.scores import NO_SCORES, Scores
from medley_training.factors import read_shape
from medley_training.local.lora import WEIGHTS_FILE, LoraShape
from medley_training.rounds.events import Evaluated, Failed, Observer
from medley_training.rounds.questions import Assessment
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import write_json
from medley_training.rounds.transport import Failure, Question, Request, Sites


def assess(
    run: Run, adapter: Path, sites: Sites, *, number: int, out: Path, observe: Observer
) -> dict[str, float]:
    """Have every reachable site score the adapter in a folder; the pooled metrics.

    Scores are sums and counts, so pooling them is as if all held-out examples were scored together.
    A site that does not answer is named in the record and is missing from the figures.

    Args:
        run: The run.
        adapter: The folder of the adapter.
        sites: All sites are asked, whether they took part in the round or not.
        number: The round; 0 for the start of the first.
        out: Where the record is written, last.
        observe: Told of what came.
    """
    data = (adapter / WEIGHTS_FILE).read_bytes()
    shape = read_shape(adapter)
    requests = {
        site: Request(Question.EVALUATE, _question(run, number, site, data, shape), data)
        for site in sites.names
    }
    scores: dict[str, Scores] = {}
    missing: dict[str, str] = {}
    for site, answer in sites.ask(requests, deadline_s=run.recipe.sites.deadline_s):
        try:
            if isinstance(answer, Failure):
                raise ValueError(answer.reason)
            scores[site] = Scores.from_json(answer.body)
        except ValueError as error:
            missing[site] = str(error)
            observe(Failed(round=number, site=site, detail=f"evaluation: {error}"))
    return _record(scores, missing, number=number, out=out, observe=observe)


def _record(
    scores: Mapping[str, Scores],
    missing: Mapping[str, str],
    *,
    number: int,
    out: Path,
    observe: Observer,
) -> dict[str, float]:
    by_site = {site: scores[site].metrics() for site in sorted(scores)}
    pooled = sum((scores[site] for site in sorted(scores)), NO_SCORES).metrics()
    spread = {
        metric: {"mean": f.mean, "minimum": f.minimum, "harmonic_mean": f.harmonic_mean}
        for metric, f in fairness(scores).items()
    }
    record: dict[str, Any] = {
        "scores": by_site,
        "pooled": pooled,
        "fairness": spread,
        "missing": dict(missing),
    }
    write_json(out, record)
    observe(Evaluated(round=number, scores=by_site, pooled=pooled, fairness=spread))
    return pooled


def _question(run: Run, number: int, site: str, data: bytes, shape: LoraShape) -> str:
    asked = Assessment(
        run=run.name,
        round=number,
        participant=site,
        adapter=Digest.of(data),
        shape=shape,
        plan=run.recipe.evaluation.model_dump(mode="json"),
    )
    return asked.seal(run.key).to_json()
