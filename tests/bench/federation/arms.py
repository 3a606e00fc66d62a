"""One way of training on a set of sites, carried out by the real coordinator and participants."""

from collections.abc import Mapping
from pathlib import Path

from medley_registry.opening import open_registry
from medley_training.base_source import find_base
from medley_training.data.labelled import SiteData
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores, pooled
from medley_training.factors import read_shape
from medley_training.identity.keys import SigningKey
from medley_training.local.lora import WEIGHTS_FILE
from medley_training.recipe import Recipe
from medley_training.rounds.coordinator import Coordinator
from medley_training.rounds.describing import run_started
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.events import Observer
from medley_training.rounds.local_sites import LocalSites
from medley_training.rounds.one_machine import register_sites
from medley_training.rounds.participant import Participant
from medley_training.rounds.publication import Publisher
from medley_training.rounds.run import Run, open_run
from medley_training.rounds.run_folder import RunFolder
from medley_training.rounds.site_training import SiteTraining


def carry_out(recipe: Recipe, data: Mapping[str, SiteData], folder: Path) -> Path:
    """Train an adapter over the sites of `data`; the folder of the last round's aggregate.

    The same recipe with one site is that site alone; with one site that has everybody's examples it
    is pooled training. Found results are not computed again.
    """
    names = tuple(sorted(data))
    sites = recipe.sites.model_copy(update={"names": names, "min_contributions": len(names)})
    recipe = recipe.model_copy(update={"sites": sites})
    with RunFolder(folder).held(), open_registry(folder / "registry", create=True) as registry:
        base = find_base(recipe.base, registry, made=folder / "base")
        run = open_run(folder, recipe, base)
        register_sites(run)
        log = EventLog(run.folder.events)
        log.append(run_started(run))

        def build(name: str, observe: Observer) -> Participant:
            return _participant(run, name, data[name], observe)

        Coordinator(
            run=run,
            sites=LocalSites(names, build, log.append),
            publisher=Publisher(registry, base, recipe.adapter, None),
            observe=log.append,
        ).carry_out()
    return run.folder.round(recipe.rounds).served


def score(recipe: Recipe, adapter: Path, data: SiteData, plan: EvaluationPlan) -> Scores:
    """How the adapter in a folder does on one site's held-out examples."""
    from safetensors.torch import load_file

    assert recipe.base.path is not None
    ledger = adapter / "no-ledger.json"
    learner = SiteTraining(recipe.base.path, recipe.base.precision, data, ledger=ledger)
    return pooled(learner.score(load_file(adapter / WEIGHTS_FILE), read_shape(adapter), plan))


def _participant(run: Run, name: str, data: SiteData, observe: Observer) -> Participant:
    folder = run.folder.site(name)
    return Participant(
        name,
        key=SigningKey.load(folder / "key.pem"),
        coordinator=run.key.public,
        learner=SiteTraining(
            run.base.path, run.recipe.base.precision, data, ledger=folder / "privacy.json"
        ),
        folder=folder,
        observer=observe,
    )
