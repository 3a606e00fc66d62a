"""What is measured comes with the signed question, so a site needs no recipe."""

from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry.digest import Digest
from medley_training.errors import TaskRefused
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import SigningKey
from medley_training.local.lora import LoraShape
from medley_training.rounds.questions import Assessment

PLAN = EvaluationPlan(tasks=("loss", "choices"), max_examples=20)


def assessment() -> Assessment:
    return Assessment(
        run="town-1",
        round=2,
        participant="north",
        adapter=Digest.of(b"adapter"),
        shape=LoraShape(rank=2, alpha=4),
        plan=PLAN.model_dump(mode="json"),
    )


def test_a_signed_question_brings_its_plan(tmp_path: Path) -> None:
    key = SigningKey.make(tmp_path / "key.pem")
    text = assessment().seal(key).to_json()

    opened = Assessment.open(Envelope.from_json(text), [key.public])

    assert opened == assessment()
    assert opened.evaluation == PLAN


@pytest.mark.parametrize(
    "plan", [{"tasks": ["everything"]}, {"max_examples": 0}, {"upload": "the data"}]
)
def test_a_plan_that_is_not_known_here_is_refused(plan: dict[str, object]) -> None:
    with pytest.raises(TaskRefused, match="plan cannot be carried out here"):
        assert replace(assessment(), plan=plan).evaluation
