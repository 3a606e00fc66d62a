"""Whole runs in milliseconds: real coordinator, participants, keys and files; made-up learning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from medley_registry.bases import BaseModel
from medley_registry.digest import Digest
from medley_registry.opening import open_registry
from medley_registry.registry import Registry
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores, Tally
from medley_training.identity.keys import SigningKey
from medley_training.identity.task import Task
from medley_training.local.base import BasePrecision
from medley_training.local.lora import LoraShape
from medley_training.local.trainer import StepReport
from medley_training.recipe import Recipe
from medley_training.rounds.coordinator import Coordinator
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.events import Event, Observer, together
from medley_training.rounds.learner import HeldOut, Learnt, Steps
from medley_training.rounds.local_sites import LocalSites
from medley_training.rounds.one_machine import register_sites
from medley_training.rounds.participant import Participant
from medley_training.rounds.publication import Publisher
from medley_training.rounds.root import Root
from medley_training.rounds.run import Run, open_run
from medley_training.rounds.transport import Answering
from medley_training.rounds.variants import Measure, nothing

from tests.builders import make_base

SITES = ("east", "north", "south")


def recipe(**changes: Any) -> Recipe:
    """Three sites, two rounds, rank 2 on the tiny base's two modules."""
    values: dict[str, Any] = {
        "name": "town",
        "adapter": "town",
        "rounds": 2,
        "base": {"name": "tiny", "path": "unused", "dtype": "float32"},
        "sites": {"names": SITES},
        "data": {"source": "demo_notes"},
        "lora": {"rank": 2, "alpha": 4},
    }
    return Recipe.model_validate(values | changes)


@dataclass
class DrawnLearner:
    """Learns a drawing: what it adds to the start depends on the task's seed and nothing else."""

    base: Digest
    size: float = 0.1
    num_examples: int = 40
    quantization: str = BasePrecision(dtype="float32").name
    calls: list[int] = field(default_factory=list)

    def learn(self, task: Task, start: Mapping[str, torch.Tensor], steps: Steps) -> Learnt:
        self.calls.append(task.round)
        generator = torch.Generator().manual_seed(task.seed)
        steps(StepReport(1, 1, 2.0, 10, 0.1))
        trained = {
            name: tensor + self.size * torch.randn(tensor.shape, generator=generator)
            for name, tensor in sorted(start.items())
            if name.split(".lora_")[1][0] in task.trains
        }
        return Learnt(
            tensors=trained,
            loss_first=2.0,
            loss_last=1.0,
            loss_of_start=2.0,
            num_examples=self.num_examples,
            num_tokens=10,
            duration_s=0.1,
        )

    @property
    def held_out(self) -> HeldOut:
        return HeldOut(Digest.of(b"held out"), ())

    def score(
        self, adapter: Mapping[str, torch.Tensor], shape: LoraShape, plan: EvaluationPlan
    ) -> list[Scores]:
        del plan
        size = sum(float(tensor.double().square().sum()) for tensor in adapter.values())
        return [Scores({"loss": Tally(size * shape.scale, 10.0)})]


Wrap = Callable[[str, Answering], Answering]


def as_it_is(name: str, site: Answering) -> Answering:
    del name
    return site


@dataclass
class Town:
    """A run in a folder, which can be carried out, stopped and carried out again."""

    folder: Path
    recipe: Recipe
    wrap: Wrap = as_it_is
    promote: str | None = None
    name: str = "run"
    events: list[Event] = field(default_factory=list)
    learners: dict[str, DrawnLearner] = field(default_factory=dict)
    measure: Measure = nothing

    @property
    def path(self) -> Path:
        return self.folder / self.name

    def open(self, registry: Registry) -> Run:
        base_folder = self.folder / "base"
        if not base_folder.exists():
            make_base(base_folder)
        base: BaseModel = registry.add_base("tiny", base_folder, actor="test")
        self.path.mkdir(parents=True, exist_ok=True)
        run = open_run(self.path, self.recipe, base)
        register_sites(run)
        return run

    def carry_out(self) -> dict[str, Any]:
        with open_registry(self.folder / "registry", create=True) as registry:
            run = self.open(registry)
            observe = together(EventLog(run.folder.events).append, self.events.append)
            sites = LocalSites(run.recipe.sites.names, self._building(run), observe)
            root = Root(run, DrawnLearner(run.base.base_id)) if run.recipe.data.root_share else None
            return Coordinator(
                run=run,
                sites=sites,
                publisher=Publisher(
                    registry, run.base, self.recipe.adapter, None, alias=self.promote
                ),
                root=root,
                measure=self.measure,
                observe=observe,
            ).carry_out()

    def _building(self, run: Run) -> Callable[[str, Observer], Answering]:
        def build(name: str, observe: Observer) -> Answering:
            folder = run.folder.site(name)
            learner = self.learners.setdefault(name, DrawnLearner(run.base.base_id))
            site = Participant(
                name,
                key=SigningKey.load(folder / "key.pem"),
                coordinator=run.key.public,
                learner=learner,
                folder=folder,
                observer=observe,
            )
            return self.wrap(name, site)

        return build
