"""`medley eval` against the session's server: what it measures over HTTP is what the model says."""

import json
from pathlib import Path
from typing import Any

import pytest
from medley.cli import app
from medley_registry import Registry, open_registry
from medley_server.demo.small_base import NAME
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.choice import choice_example
from medley_training.evaluation.choices import ChoiceQuestion, option_scores
from medley_training.suites.endpoint import Endpoint, ServerAddress
from medley_training.suites.evaluated import evaluated_models
from medley_training.suites.likelihood import (
    following_tokens,
    is_stepwise_cheaper,
    option_log_likelihoods,
)
from medley_training.suites.option_tokens import served_question
from typer.testing import CliRunner

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e

ADAPTER = "triage-note"
TOLERANCE = 0.9
"""Nats of a whole option of up to five tokens. The served model computes in bfloat16, whose logits
are an eighth apart; transformers in bfloat16 is up to 0.3 off as well. Another adapter is ten off.
"""
BACKGROUND = (
    "A cohort of adults with high blood pressure was followed for five years. Half of them took the"
    " new drug every morning, the others an equal looking tablet without it. Blood pressure was"
    " measured twice a year by nurses who did not know who took which. "
)
QUESTIONS = (
    ("Which organ pumps the blood?", ("the heart", "the liver", "the left kidney", "the skin")),
    ("Which vitamin is made in the skin?", ("vitamin D", "vitamin B12", "vitamin C", "iron")),
    (f"{BACKGROUND * 3}Did the drug lower the blood pressure?", ("yes", "no", "maybe")),
)


@pytest.fixture(scope="module")
def questions(small_base: Path) -> list[ChoiceQuestion]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(small_base)
    examples = [
        LabelledExample(
            example=choice_example(question, choices, 0),
            label="",
            group=question,
            choices=choices,
            answer=0,
        )
        for question, choices in QUESTIONS
    ]
    return [
        served_question(each.example, each.choices, 0, tokenizer=tokenizer) for each in examples
    ]


def _in_process(
    base: Path, adapter: Path | None, questions: list[ChoiceQuestion]
) -> list[list[float]]:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
    return option_scores(model.eval(), questions, pad_token_id=0)


def _folder(registry: Registry, tmp_path: Path) -> Path:
    return registry.pull(registry.resolve(f"{ADAPTER}:1"), tmp_path / "adapter")


@pytest.mark.parametrize("reference", [NAME, f"{ADAPTER}:1"])
async def test_options_have_the_same_log_likelihoods_over_http_as_in_process(
    server: RunningServer,
    small_base: Path,
    questions: list[ChoiceQuestion],
    tmp_path: Path,
    reference: str,
) -> None:
    ways = {
        is_stepwise_cheaper(question, len(following_tokens(question.options)))
        for question in questions
    }
    assert ways == {True, False}  # both ways of asking are tried
    with open_registry(server.home / "registry") as registry:
        [model] = evaluated_models(registry, [reference])
        adapter = None if model.version is None else _folder(registry, tmp_path)

    async with Endpoint(ServerAddress(server.process.url), concurrency=4) as endpoint:
        found = [await option_log_likelihoods(endpoint, model, each) for each in questions]

    for served, expected in zip(found, _in_process(small_base, adapter, questions), strict=True):
        assert served == pytest.approx(expected, abs=TOLERANCE)


def test_a_few_documents_are_extracted_and_recorded_item_by_item(
    server: RunningServer, tmp_path: Path
) -> None:
    found = _eval(
        server,
        *(f"{ADAPTER}:1", NAME, "--suite", "extraction", "--limit", "1", "--max-tokens", "48"),
        *("--sites", "harbor", "--sites", "lakeside", "--out", str(tmp_path / "out")),
    )

    assert found["variant"] == "bf16"
    first, second = found["outcomes"]
    assert (first["items"], second["evidence"]) == (2, None)
    assert {"term_f1", "field_f1/harbor", "false_fills", "json_invalid"} <= first["metrics"].keys()
    assert found["comparisons"][0]["second"] == NAME
    with open_registry(server.home / "registry") as registry:
        [evidence] = [
            each for each in registry.evidence.of(ADAPTER, 1) if each.suite == "extraction"
        ]
        items = registry.evidence.items(evidence)
    assert str(evidence.digest) == first["evidence"]
    assert evidence.environment["engine"]["variant"] == "bf16"  # type: ignore[call-overload,index]
    assert {item.site for item in items} == {"harbor", "lakeside"}
    answers = (tmp_path / "out" / "answers.jsonl").read_text().splitlines()
    assert len(answers) == 4


def test_two_versions_answer_the_shipped_prompts(server: RunningServer) -> None:
    found = _eval(server, f"{ADAPTER}:2", f"{ADAPTER}:1", "--suite", "prompts", "--no-record")

    assert [outcome["model"] for outcome in found["outcomes"]] == [f"{ADAPTER}:2", f"{ADAPTER}:1"]
    flips = found["comparisons"][0]["flips"]
    assert flips["better"] + flips["worse"] + flips["same"] == found["outcomes"][0]["items"]


def _eval(server: RunningServer, *arguments: str) -> dict[str, Any]:
    told = ["--server", server.process.url, "--registry", str(server.home / "registry"), "--json"]
    result = CliRunner().invoke(app, ["eval", *arguments, *told])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found
