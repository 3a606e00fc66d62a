"""The fifth phase of a round: every site scores the aggregate on what it holds out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medley_registry.digest import Digest
from medley_registry.item_scores import Item

from medley_training.evaluation.fairness import fairness
from medley_training.evaluation.scores import pooled
from medley_training.factors import read_shape
from medley_training.local.lora import WEIGHTS_FILE, LoraShape
from medley_training.rounds.events import Evaluated, Failed, Observer
from medley_training.rounds.questions import Assessment, EvaluationReply
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import Phase, RoundFolder, read_json, write_json
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
    answers: dict[str, EvaluationReply] = {}
    missing: dict[str, str] = {}
    for site, answer in sites.ask(requests, deadline_s=run.recipe.sites.deadline_s):
        try:
            if isinstance(answer, Failure):
                raise ValueError(answer.reason)
            answers[site] = EvaluationReply.from_json(answer.body)
        except ValueError as error:
            missing[site] = str(error)
            observe(Failed(round=number, site=site, detail=f"evaluation: {error}"))
    if run.recipe.evaluation.per_document:
        write_json(_of_documents(out), _by_document(answers))
    return _record(answers, missing, number=number, out=out, observe=observe)


def has_documents(folder: RoundFolder) -> bool:
    """Whether sites said what each of their held-out documents contributed."""
    return _of_documents(folder.marker(Phase.EVALUATED)).exists()


def read_items(folder: RoundFolder) -> tuple[Item, ...]:
    """What each held-out document of each site contributed, if the recipe asks for that.

    A document is known by its site, the site's name for what it holds out, and its place in it: the
    same in every round, until the site holds out something else.
    """
    kept = _of_documents(folder.marker(Phase.EVALUATED))
    by_site = read_json(kept) if kept.exists() else {}
    return tuple(
        Item(f"{place}/{number:05d}", f"{place}/group-{group:05d}", site, each)
        for site, told in sorted(by_site.items())
        for place in [f"{site}/{told['held_out']}"]
        for number, (group, each) in enumerate(zip(told["groups"], told["scores"], strict=True))
    )


def _of_documents(record: Path) -> Path:
    """The file with what each document contributed, beside the record, and written before it."""
    return record.with_name(f"documents-{record.name}")


def _by_document(answers: Mapping[str, EvaluationReply]) -> dict[str, Any]:
    return {
        site: {
            "held_out": told.held_out,
            "groups": [*(told.groups or range(len(told.scores)))],
            "scores": [each.to_json() for each in told.scores],
        }
        for site, told in answers.items()
    }


def _record(
    answers: Mapping[str, EvaluationReply],
    missing: Mapping[str, str],
    *,
    number: int,
    out: Path,
    observe: Observer,
) -> dict[str, float]:
    scores = {site: pooled(told.scores) for site, told in answers.items()}
    by_site = {site: scores[site].metrics() for site in sorted(scores)}
    of_all = pooled(scores[site] for site in sorted(scores)).metrics()
    spread = {
        metric: {"mean": f.mean, "minimum": f.minimum, "harmonic_mean": f.harmonic_mean}
        for metric, f in fairness(scores).items()
    }
    record: dict[str, Any] = {
        "scores": by_site,
        "pooled": of_all,
        "fairness": spread,
        "missing": dict(missing),
    }
    write_json(out, record)
    observe(Evaluated(round=number, scores=by_site, pooled=of_all, fairness=spread))
    return of_all


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
