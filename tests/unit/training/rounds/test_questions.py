"""What is measured comes with the signed question, so a site needs no recipe."""

from dataclasses import replace
from pathlib import Path

import pytest
from medley_registry.digest import Digest
from medley_training.errors import TaskRefused
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores, Tally
from medley_training.identity.envelope import Envelope
from medley_training.identity.keys import SigningKey
from medley_training.local.lora import LoraShape
from medley_training.rounds.questions import Assessment, EvaluationReply

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


def test_scores_of_each_example_are_read_back() -> None:
    scores = (Scores({"loss": Tally(1.5, 3)}), Scores({}), Scores({"loss": Tally(0.0, 2)}))
    reply = EvaluationReply(scores, (0, 0, 1), "ab12")

    assert EvaluationReply.from_json(reply.to_json()) == reply


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"scores": [{}]}',
        '{"scores": [{"loss": [1e999, 5]}], "groups": [], "held_out": ""}',
        f'{{"scores": [{{"loss": [1{"0" * 400}, 5]}}], "groups": [], "held_out": ""}}',
        '{"scores": [{"loss": [-1, 5]}], "groups": [], "held_out": ""}',
        '{"scores": [{"loss": [1]}], "groups": [], "held_out": ""}',
        '{"scores": [{"Loss per token": [1, 5]}], "groups": [], "held_out": ""}',
        '{"scores": [{"loss": [1, 5]}], "groups": [1, 2], "held_out": ""}',
        '{"scores": [{"loss": [1, 5]}], "groups": [-1], "held_out": ""}',
        '{"scores": [{"loss": [1, 5]}], "groups": [], "held_out": "x y"}',
        '{"scores": [{"loss": [1, 5]}], "groups": [], "held_out": "", "more": 1}',
        "[" * 100_000,
    ],
)
def test_scores_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        EvaluationReply.from_json(text)
