"""Rounds that move an alias: only to versions that have what its policy demands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from medley_registry import (
    AliasPolicy,
    Comparison,
    Digest,
    InvalidReference,
    Outcome,
    Over,
    open_registry,
)
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores, Tally
from medley_training.local.lora import LoraShape
from medley_training.reports.page import run_report
from medley_training.reports.privacy import privacy_report
from medley_training.reports.privacy_text import contents
from medley_training.rounds.describing import run_started
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.event_text import event_text
from medley_training.rounds.events import Judged
from medley_training.rounds.learner import HeldOut
from medley_training.running import opened_run

from tests.builders import make_base
from tests.unit.training.rounds.runs import SITES, DrawnLearner, Town, recipe

DOCUMENTS = 12
COMPARISON = Comparison(
    suite="held-out/demo_notes", metric="token_accuracy", margin=0.05, over=Over.EACH_SITE
)


@dataclass
class GradedLearner(DrawnLearner):
    """Holds out twelve documents, on each of which the adapters do as the grades say in turn."""

    grades: list[float] = field(default_factory=list)
    documents: bytes = b"twelve documents"

    @property
    def held_out(self) -> HeldOut:
        return HeldOut(Digest.of(self.documents), tuple(range(DOCUMENTS)))

    def score(
        self, adapter: Mapping[str, torch.Tensor], shape: LoraShape, plan: EvaluationPlan
    ) -> list[Scores]:
        del adapter, shape, plan
        right = 10 * self.grades.pop(0)
        return [Scores({"token_accuracy": Tally(right, 10)})] * DOCUMENTS


def town(
    folder: Path, grades: Mapping[str, list[float]], *, name: str, per_document: bool = True
) -> Town:
    """A run of two rounds; a site's grades are the start's, the first and the second round's.

    All runs of one folder publish into one registry; each makes other adapters.
    """
    evaluation = {"per_document": per_document}
    made = Town(folder, recipe(evaluation=evaluation), promote="production", name=name)
    if not (folder / "base").exists():
        make_base(folder / "base")
    with open_registry(folder / "registry", create=True) as registry:
        base = registry.add_base("tiny", folder / "base", actor="test").base_id
    size = len(name) / 10
    made.learners = {site: GradedLearner(base, size=size, grades=[*grades[site]]) for site in SITES}
    return made


def begin_log(made: Town) -> None:
    """As `medley train run` begins a run's log; reports are made from it."""
    with open_registry(made.folder / "registry") as registry:
        run = made.open(registry)
    EventLog(run.folder.events).append(run_started(run))


def judged(made: Town) -> list[Judged]:
    return [event for event in made.events if isinstance(event, Judged)]


STEADY = {site: [0.5, 0.8, 0.8] for site in SITES}
WORSE_IN_THE_SOUTH = {**{site: [0.5, 0.95, 0.95] for site in SITES}, "south": [0.5, 0.6, 0.8]}


@pytest.fixture
def protected(tmp_path: Path) -> Path:
    """A folder in which `town@production` is a first run's last version, and is protected."""
    town(tmp_path, STEADY, name="first").carry_out()
    with open_registry(tmp_path / "registry") as registry:
        policy = AliasPolicy(comparisons=(COMPARISON,))
        registry.protection.set("town", "production", policy, actor="eve")
    return tmp_path


def test_the_alias_follows_the_rounds_where_nothing_is_demanded(tmp_path: Path) -> None:
    made = town(tmp_path, STEADY, name="first")

    summary = made.carry_out()

    assert [(each.version, each.lacks) for each in judged(made)] == [("town:1", ()), ("town:2", ())]
    assert event_text(judged(made)[1]) == "round 2: town@production is town:2"
    assert [each["lacks"] for each in summary["rounds"]] == [[], []]
    with open_registry(tmp_path / "registry") as registry:
        assert registry.resolve("town").number == 2


def test_no_alias_moves_unless_one_is_named(tmp_path: Path) -> None:
    made = town(tmp_path, STEADY, name="first")
    made.promote = None

    made.carry_out()

    assert judged(made) == []
    with open_registry(tmp_path / "registry") as registry:
        assert registry.aliases("town") == []


def test_a_round_that_is_worse_at_one_hospital_is_published_and_not_promoted(
    protected: Path,
) -> None:
    made = town(protected, WORSE_IN_THE_SOUTH, name="second")
    begin_log(made)

    made.carry_out()

    worse, as_good = judged(made)
    assert "south 0.6 against 0.8" in worse.lacks[0]
    assert "town@production stays, town:3 lacks" in str(event_text(worse))
    assert (as_good.version, as_good.lacks) == ("town:4", ())
    with open_registry(protected / "registry") as registry:
        assert registry.resolve("town").number == 4
        outcomes = [each.outcome for each in registry.protection.decisions("town", "production")]
        assert outcomes == [Outcome.REFUSED, Outcome.PASSED]
    assert "production stays: lacks" in run_report(made.path).read_text()


def test_scores_that_sites_sent_as_a_sum_only_prove_nothing(protected: Path) -> None:
    made = town(protected, STEADY, name="another", per_document=False)

    made.carry_out()

    # Scored otherwise, so it is another suite.
    assert all("has no evidence of held-out" in each.lacks[0] for each in judged(made))


def test_a_run_that_trains_otherwise_is_compared_all_the_same(protected: Path) -> None:
    made = town(protected, STEADY, name="slower")
    training = made.recipe.training.model_copy(update={"learning_rate": 1e-5})
    made.recipe = made.recipe.model_copy(update={"training": training})

    made.carry_out()

    assert [each.lacks for each in judged(made)] == [(), ()]


def test_a_site_that_holds_out_something_else_is_not_compared(protected: Path) -> None:
    made = town(protected, STEADY, name="different")
    made.learners["south"].documents = b"other documents"  # type: ignore[attr-defined]

    made.carry_out()

    assert all("answered by one version only" in each.lacks[0] for each in judged(made))


def test_an_alias_that_is_none_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidReference),
        opened_run(recipe(), tmp_path / "run", promote="No Alias"),
    ):
        pass

    assert not (tmp_path / "run").exists()


def test_a_finished_run_asks_the_gate_no_more(protected: Path) -> None:
    made = town(protected, WORSE_IN_THE_SOUTH, name="finished")
    made.carry_out()

    made.carry_out()

    with open_registry(protected / "registry") as registry:
        assert len(registry.protection.decisions("town", "production")) == 2


def test_evidence_says_how_every_site_does(tmp_path: Path) -> None:
    town(tmp_path, WORSE_IN_THE_SOUTH, name="first").carry_out()

    with open_registry(tmp_path / "registry") as registry:
        (evidence,) = registry.evidence.of("town", 1)
        items = registry.evidence.items(evidence)

    assert evidence.metrics["token_accuracy/south"] == evidence.metrics["token_accuracy/minimum"]
    assert evidence.metrics["token_accuracy/south"] == pytest.approx(0.6)
    assert evidence.metrics["token_accuracy"] == pytest.approx((0.95 * 2 + 0.6) / 3)
    assert len(items) == len(SITES) * DOCUMENTS
    assert {item.site for item in items} == {*SITES}


@pytest.mark.parametrize(("per_document", "said"), [(True, True), (False, False)])
def test_the_report_of_what_left_says_whether_each_documents_scores_did(
    tmp_path: Path, per_document: bool, said: bool
) -> None:
    made = town(tmp_path, STEADY, name="first", per_document=per_document)
    begin_log(made)
    made.carry_out()

    told = "\n".join(contents(privacy_report(made.path)))

    assert ("of each by itself" in told) is said
