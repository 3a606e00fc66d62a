"""Whole runs of sites that train for real, under differential privacy."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import torch
from medley_training.data.examples import Example
from medley_training.data.labelled import LabelledExample, SiteData
from medley_training.errors import RecipeError
from medley_training.identity.keys import SigningKey
from medley_training.identity.statement import Statement
from medley_training.local.base import BasePrecision
from medley_training.privacy.accountant import PrivacyLedger, epsilon_of, rounded_up
from medley_training.privacy.limit import PrivacyLimit
from medley_training.recipe import Recipe
from medley_training.reports.privacy import privacy_report
from medley_training.reports.privacy_text import markdown
from medley_training.rounds.ballot import read_statement
from medley_training.rounds.describing import run_started
from medley_training.rounds.event_log import EventLog
from medley_training.rounds.event_text import event_text
from medley_training.rounds.events import Contributed, Failed, Observer, Step
from medley_training.rounds.participant import Participant
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import RunFolder
from medley_training.rounds.site_training import SiteTraining
from medley_training.rounds.transport import Answering
from medley_training.rounds.verifying import open_verifier
from medley_training.tiny_base import save_tiny_base
from pydantic import ValidationError
from safetensors.torch import load_file

from tests.unit.training.rounds.runs import SITES, Town, recipe

DP_SGD = {"mechanism": "dp_sgd", "noise_multiplier": 1.0, "batch_examples": 6}
PRODUCT = {"mechanism": "product", "noise_multiplier": 4.0, "clip": 0.5}
FEW_STEPS = {"max_steps": 2, "max_tokens": 64, "learning_rate": 1e-2}


def data_of(site: str) -> SiteData:
    examples = tuple(
        LabelledExample(
            example=Example.exchange(f"{site} {number}", f"bed {number % 3}"),
            label="bed",
            group=f"{site}/{number}",
            site=site,
        )
        for number in range(12)
    )
    return SiteData(train=examples[:10], held_out=examples[10:])


@dataclass
class PrivateTown(Town):
    """Sites with a real tiny model; some have a limit of their own."""

    limits: dict[str, PrivacyLimit] = field(default_factory=dict)

    def carry_out(self) -> dict[str, Any]:
        save_tiny_base(self.folder / "base")
        return super().carry_out()

    def ledger(self, site: str) -> PrivacyLedger:
        return PrivacyLedger(RunFolder(self.path).site(site) / "privacy.json")

    def statements(self, number: int) -> list[Statement]:
        folder = RunFolder(self.path).round(number)
        there = [site for site in SITES if folder.statement(site).exists()]
        return [read_statement(folder, site) for site in there]

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def _building(self, run: Run) -> Callable[[str, Observer], Answering]:
        EventLog(run.folder.events).append(run_started(run))

        def build(name: str, observe: Observer) -> Answering:
            folder = run.folder.site(name)
            learner = SiteTraining(
                self.folder / "base",
                BasePrecision(dtype="float32"),
                data_of(name),
                ledger=folder / "privacy.json",
                limit=self.limits.get(name),
            )
            return Participant(
                name,
                key=SigningKey.load(folder / "key.pem"),
                coordinator=run.key.public,
                learner=learner,
                folder=folder,
                observer=observe,
            )

        return build


def private_recipe(privacy: dict[str, Any], **changes: Any) -> Recipe:
    return recipe(**{"privacy": privacy, "training": FEW_STEPS, "codec": "none", **changes})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> PrivateTown:
    """Two rounds by DP-SGD, of which north's own limit lets it take part in one."""
    town = PrivateTown(tmp_path_factory.mktemp("town"), private_recipe(DP_SGD))
    town.limits["north"] = PrivacyLimit(epsilon=7.0)
    town.carry_out()
    return town


@pytest.mark.slow
def test_a_site_stops_at_its_budget_and_the_run_goes_on(town: PrivateTown) -> None:
    there = [{each.participant for each in town.statements(number)} for number in (1, 2)]

    assert there == [set(SITES), {"east", "south"}]
    (failed,) = town.told(Failed)
    assert (failed.round, failed.site) == (2, "north")
    assert failed.detail.startswith("round 2 would bring epsilon from ")
    assert failed.detail.endswith("the budget is 7")
    assert len(town.ledger("north").spendings()) == 1
    assert [number for number in (1, 2) for _ in town.statements(number)] == [1, 1, 1, 2, 2]


@pytest.mark.slow
def test_the_accountants_epsilon_is_told_rounded_up(town: PrivateTown) -> None:
    for site, rounds in (("east", 2), ("north", 1)):
        spendings = town.ledger(site).spendings()
        told = [each.epsilon for each in town.told(Contributed) if each.site == site]
        exact = [epsilon_of(spendings[: n + 1], delta=1e-5) for n in range(rounds)]

        assert told == [rounded_up(epsilon) for epsilon in exact]
        assert all(0 <= up - epsilon < 0.1 for up, epsilon in zip(told, exact, strict=True))

    totals = {total.site: total.epsilon for total in privacy_report(town.path).totals}
    assert totals == {site: rounded_up(town.ledger(site).epsilon(delta=1e-5)) for site in SITES}


@pytest.mark.slow
def test_no_training_loss_leaves_a_private_site(town: PrivateTown) -> None:
    assert {each.losses for number in (1, 2) for each in town.statements(number)} == {None}
    assert {each.loss_last for each in town.told(Contributed)} == {None}
    assert all(isnan(step.loss) for step in town.told(Step))
    lines = RunFolder(town.path).events.read_text(encoding="utf-8").splitlines()
    for event in map(json.loads, lines):
        assert event["event"] in ("evaluated", "step") or "loss" not in str(event)
        assert event.get("loss") is None
    assert " ε " in (event_text(town.told(Contributed)[0]) or "")


@pytest.mark.slow
def test_tokens_and_time_are_told_roughly(town: PrivateTown) -> None:
    for contributed in town.told(Contributed):
        assert contributed.num_tokens == float(f"{contributed.num_tokens:.2g}")
        assert contributed.duration_s == float(f"{contributed.duration_s:.2g}")


@pytest.mark.slow
def test_the_report_of_a_private_run_names_its_terms_and_no_losses(town: PrivateTown) -> None:
    text = markdown(privacy_report(town.path))

    assert "dp_sgd (" in text
    assert "noise_multiplier 1)" in text
    assert "losses (" not in text


@pytest.mark.slow
def test_a_private_run_verifies(town: PrivateTown) -> None:
    verified = list(open_verifier(town.path, coordinator=None, book=None).verify())

    assert [each.participants for each in verified] == [SITES, ("east", "south")]


@pytest.mark.slow
def test_product_clipping_with_a_frozen_a_verifies(tmp_path: Path) -> None:
    strategy = {"name": "ffa", "weights": "equal"}
    town = PrivateTown(tmp_path, private_recipe(PRODUCT, strategy=strategy))
    town.carry_out()

    verified = list(open_verifier(town.path, coordinator=None, book=None).verify())

    assert [each.participants for each in verified] == [SITES, SITES]
    folder = RunFolder(town.path)
    sent = load_file(folder.round(2).contribution("east"))
    assert sent
    assert all(".lora_B." in name for name in sent)
    served = load_file(folder.round(2).served / "adapter_model.safetensors")
    rows = [tensor for name, tensor in served.items() if ".lora_A." in name]
    assert all(torch.allclose(a @ a.T, torch.eye(len(a)), atol=1e-5) for a in rows)
    assert [each.noise_multiplier for each in town.ledger("east").spendings()] == [2.0, 2.0]
    told = [each.epsilon for each in town.told(Contributed) if each.site == "east"]
    assert told[-1] == rounded_up(town.ledger("east").epsilon(delta=1e-5))


@pytest.mark.slow
def test_private_contributions_can_be_compressed(tmp_path: Path) -> None:
    town = PrivateTown(tmp_path, private_recipe(DP_SGD, codec="int8", rounds=1))

    town.carry_out()

    assert len(list(open_verifier(town.path, coordinator=None, book=None).verify())) == 1


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"privacy": PRODUCT}, "product needs strategy ffa"),
        ({"privacy": PRODUCT, "strategy": {"name": "rolora"}}, "product needs strategy ffa"),
        ({"privacy": DP_SGD, "strategy": {"weights": "agentic"}}, "weights agentic needs"),
        ({"privacy": DP_SGD, "strategy": {"name": "qffl"}}, "strategy qffl needs"),
        ({"codec": "zip"}, "there is no codec 'zip'"),
        ({"codec": "topk:2"}, "there is no codec 'topk:2'"),
    ],
)
def test_a_recipe_that_cannot_keep_its_promise_is_refused(
    changes: dict[str, Any], flaw: str
) -> None:
    with pytest.raises((ValidationError, RecipeError), match=flaw):
        recipe(**changes)


@pytest.mark.parametrize("weights", ["equal", "samples", "utility"])
def test_dp_sgd_goes_with_weights_that_need_no_losses(weights: str) -> None:
    data = {"source": "demo_notes", "root_share": 0.1}

    assert recipe(privacy=DP_SGD, strategy={"weights": weights}, data=data)
