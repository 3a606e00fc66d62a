"""A run whose sites all work on this machine: what ``medley train run`` carries out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from medley_registry import timestamps
from medley_registry.bases import BaseModel

from medley_training.data.federated import FederatedData, site_data
from medley_training.data.labelled import SiteData
from medley_training.identity.keys import PublicKey, SigningKey
from medley_training.recipe import Recipe
from medley_training.rounds.events import Observer
from medley_training.rounds.local_sites import LocalSites
from medley_training.rounds.participant import Participant
from medley_training.rounds.pooled_sites import PooledSites
from medley_training.rounds.root import Root
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import RunFolder
from medley_training.rounds.site_training import SiteTraining
from medley_training.rounds.transport import Sites


@dataclass(frozen=True, slots=True)
class SiteBuilding:
    """Makes the sites of a run in whichever process they work in; it can be pickled.

    Attributes:
        run: The run's folder.
        recipe: The recipe's JSON.
        base: The base model's folder.
        coordinator: The coordinator's public key in PEM.
    """

    run: Path
    recipe: str
    base: Path
    coordinator: str

    def __call__(self, name: str, observe: Observer) -> Participant:
        """One site, with its own share of the recipe's data and its own key."""
        recipe = Recipe.model_validate_json(self.recipe)
        folder = RunFolder(self.run).site(name)
        data = federated_data(self.recipe).sites[name]
        return Participant(
            name,
            key=SigningKey.load(folder / "key.pem"),
            coordinator=PublicKey(self.coordinator),
            learner=SiteTraining(
                self.base, recipe.base.precision, data, ledger=folder / "privacy.json"
            ),
            folder=folder,
            observer=observe,
        )


@lru_cache(maxsize=2)
def federated_data(recipe_json: str) -> FederatedData:
    """A recipe's data, made or loaded once per process."""
    recipe = Recipe.model_validate_json(recipe_json)
    return site_data(recipe.data, recipe.sites.names, recipe.seed)


def register_sites(run: Run) -> None:
    """Give every site of this machine a key, and let it take part."""
    for name in run.recipe.sites.names:
        path = run.folder.site(name) / "key.pem"
        key = SigningKey.load(path) if path.exists() else SigningKey.make(path)
        if not run.book.keys(name):
            run.book.register(name, key.public, valid_from=timestamps.now())


@contextmanager
def sites_here(run: Run, *, workers: int, observe: Observer) -> Iterator[Sites]:
    """The run's sites, in this process or in several.

    Args:
        run: The run.
        workers: How many sites work at once; 1 is in this process.
        observe: Told of the sites' steps.
    """
    building = SiteBuilding(
        run.folder.path, run.recipe.model_dump_json(), run.base.path, run.key.public.pem
    )
    names = run.recipe.sites.names
    if workers == 1:
        yield LocalSites(names, building, observe)
        return
    with PooledSites(names, building, observe, workers=min(workers, len(names))) as sites:
        yield sites


def coordinators_root(run: Run, base: BaseModel) -> Root | None:
    """The coordinator's own clean data, where the recipe withholds some."""
    recipe = run.recipe
    if not recipe.data.root_share:
        return None
    examples = federated_data(recipe.model_dump_json()).root
    data = SiteData(train=examples, held_out=examples)
    ledger = run.folder.path / "root-privacy.json"
    return Root(run, SiteTraining(base.path, recipe.base.precision, data, ledger=ledger))
