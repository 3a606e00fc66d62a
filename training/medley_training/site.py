"""A site on a machine of its own: the one place that wires it."""

from dataclasses import dataclass
from pathlib import Path

from medley_training.data.labelled import SiteData
from medley_training.errors import RecipeError
from medley_training.identity.keys import PublicKey, SigningKey
from medley_training.local.base import BasePrecision
from medley_training.local.processes import Processes
from medley_training.privacy.limit import PrivacyLimit
from medley_training.recipe import BaseSection, Recipe
from medley_training.rounds.events import Observer
from medley_training.rounds.learner import Learner
from medley_training.rounds.one_machine import federated_data
from medley_training.rounds.participant import Participant
from medley_training.rounds.site_training import SiteTraining
from medley_training.rounds.together import follow, together


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSite:
    """What a site decides for itself; the rest comes with each signed question.

    Attributes:
        name: As the coordinator's book of participants has it.
        key: The file of the key that signs what the site says.
        coordinator_key: The file of the public key whose questions are answered.
        base: The base model's folder.
        precision: How it is loaded.
        data: The site's examples.
        folder: What the site keeps: answers, receipts and its account of privacy.
        limit: The most privacy that may be spent; None leaves it to the coordinator.
        threads: How many threads torch may use.
    """

    name: str
    key: Path
    coordinator_key: Path
    base: Path
    precision: BasePrecision
    data: SiteData
    folder: Path
    limit: PrivacyLimit | None = None
    threads: int = 1

    def learner(self, processes: Processes | None = None) -> SiteTraining:
        """The site's data and base model; the base is loaded with the first question."""
        return SiteTraining(
            self.base,
            self.precision,
            self.data,
            ledger=self.folder / "privacy.json",
            limit=self.limit,
            threads=self.threads,
            processes=processes,
        )

    def participant(self, observe: Observer, learner: Learner) -> Participant:
        """The site, ready to be asked.

        Raises:
            BadKey: One of the two keys is missing, damaged or open to others.
        """
        return Participant(
            self.name,
            key=SigningKey.load(self.key),
            coordinator=PublicKey.load(self.coordinator_key),
            learner=learner,
            folder=self.folder,
            observer=observe,
        )

    def answer(
        self,
        coordinator: str,
        authority: Path,
        node_key: Path,
        *,
        patience_s: float | None,
        observe: Observer,
    ) -> None:
        """Answer the coordinator at HOST:PORT; see `medley_training.flower.site.run_site`.

        Under ``accelerate launch`` there is a process for each GPU. The first answers, the others
        train with it.

        Raises:
            BadKey: A key or a certificate is missing or damaged.
            RoundError: `patience_s` passed without the coordinator.
        """
        from medley_training.flower.site import run_site

        processes = Processes.join()
        learner = self.learner(processes)
        if processes is not None and not processes.is_first:
            follow(learner, processes)
            return
        with together(learner, processes) as shared:
            run_site(
                self.participant(observe, shared),
                coordinator=coordinator,
                authority=authority,
                node_key=node_key,
                folder=self.folder,
                patience_s=patience_s,
            )


def recipes_share(recipe: Recipe, name: str) -> SiteData:
    """A site's share of the data that a recipe spreads over its sites, for trying a run out.

    Raises:
        RecipeError: The recipe has no such site.
        DataError: The recipe's data cannot be had.
    """
    if name not in recipe.sites.names:
        raise RecipeError(
            f"{name!r} is no site of {recipe.name}; there are {', '.join(recipe.sites.names)}"
        )
    return federated_data(recipe.model_dump_json()).sites[name]


def named_base(given: str) -> BaseSection:
    """A base as an operator names it: a model folder, ``tiny``, or what the registry calls it."""
    is_place = given == "tiny" or "/" in given or Path(given).is_dir()
    return BaseSection(name=Path(given).name or given, path=Path(given) if is_place else None)
