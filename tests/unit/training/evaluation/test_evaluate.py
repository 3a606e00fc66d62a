"""Evaluation with a real model of two layers and a tokenizer of bytes."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from medley_training.data.examples import Example, Message
from medley_training.data.formatting import IGNORED_LABEL, tokenize_example
from medley_training.data.labelled import LabelledExample
from medley_training.errors import RecipeError
from medley_training.evaluation.choices import (
    ChoiceQuestion,
    choice_question,
    option_scores,
    score_choices,
)
from medley_training.evaluation.evaluate import EvaluationProgress, evaluate
from medley_training.evaluation.extraction import score_extraction
from medley_training.evaluation.generation import greedy_answers
from medley_training.evaluation.loss import score_loss
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.prompt import prompt_of
from medley_training.evaluation.scores import NO_SCORES, Scores, Tally, pooled

from tests.unit.training.tiny_base import copying_examples, save_byte_tokenizer, tiny_base

EXCHANGES = [
    Example.exchange("Sodium?", "low"),
    Example.exchange("Is the potassium of today high?", "yes, it is"),
    Example.exchange("Which drug?", "aspirin 75 mg"),
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder: Path = tmp_path_factory.mktemp("tokenizer")
    save_byte_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder)


@cache
def _model() -> Any:
    return tiny_base(257).eval().requires_grad_(False)


def _log_probabilities(prompt: tuple[int, ...], completion: tuple[int, ...]) -> Any:
    """One row through the model, without padding, cache or batch."""
    import torch

    logits = _model()(input_ids=torch.tensor([prompt + completion])).logits[0]
    return logits.log_softmax(dim=1)[len(prompt) - 1 : -1]


def test_the_loss_is_the_mean_over_completion_tokens_however_they_are_batched(
    tokenizer: Any,
) -> None:
    examples = [tokenize_example(each, tokenizer, max_tokens=500) for each in EXCHANGES]
    nats, right, num_tokens = 0.0, 0, 0
    for each in EXCHANGES:
        prompt = prompt_of(each, tokenizer)
        logits = _log_probabilities(prompt.token_ids, prompt.completion)
        for row, token in zip(logits, prompt.completion, strict=True):
            nats -= float(row[token])
            right += int(row.argmax()) == token
            num_tokens += 1

    for batch_tokens in (1, 80, 1000):
        found = score_loss(_model(), examples, pad_token_id=5, batch_tokens=batch_tokens)
        scores = pooled(found)

        assert scores.tallies["loss"].sum == pytest.approx(nats, rel=1e-5)
        assert scores.tallies["token_accuracy"] == Tally(right, num_tokens)
        assert scores.tallies["loss"].count == num_tokens
        assert [one.tallies["loss"].count for one in found] == [4, 11, 14]


def test_a_prompt_ends_where_the_last_completion_begins(tokenizer: Any) -> None:
    chat = Example(
        (
            Message("user", "a"),
            Message("assistant", "b"),
            Message("user", "c"),
            Message("assistant", "dd"),
        )
    )

    prompt = prompt_of(chat, tokenizer)

    assert tokenizer.decode(prompt.token_ids) == "user:a<end>assistant:b<end>user:c<end>assistant:"
    assert tokenizer.decode(prompt.completion) == "dd<end>"
    other = prompt_of(chat, tokenizer, answer="e")
    assert other.token_ids == prompt.token_ids
    assert tokenizer.decode(other.completion) == "e<end>"


@pytest.mark.parametrize("batched", [1, 3])
def test_an_option_scores_the_log_probability_of_its_whole_completion(
    tokenizer: Any, batched: int
) -> None:
    questions = [
        choice_question(each, ("low", "high as ever", ""), 0, tokenizer=tokenizer)
        for each in EXCHANGES[:batched]
    ]

    found = option_scores(_model(), questions, pad_token_id=5)

    for question, scores in zip(questions, found, strict=True):
        for option, score in zip(question.options, scores, strict=True):
            alone = _log_probabilities(question.prompt, option)
            expected = sum(float(row[t]) for row, t in zip(alone, option, strict=True))
            assert score == pytest.approx(expected, rel=1e-4)


def test_questions_with_different_numbers_of_one_token_options_are_scored_together() -> None:
    questions = [
        ChoiceQuestion((3, 4, 5), ((7,), (8,)), 0),
        ChoiceQuestion((9,), ((7,), (8,), (11,)), 2),
    ]

    found = option_scores(_model(), questions, pad_token_id=0)

    assert [len(scores) for scores in found] == [2, 3]
    for question, scores in zip(questions, found, strict=True):
        for option, score in zip(question.options, scores, strict=True):
            alone = _log_probabilities(question.prompt, option)
            assert score == pytest.approx(float(alone[0][option[0]]), rel=1e-4)


def test_the_choice_is_right_where_the_model_finds_the_right_option_likeliest(
    tokenizer: Any,
) -> None:
    choices = ("low", "high", "normal")
    question = choice_question(EXCHANGES[0], choices, 0, tokenizer=tokenizer)
    (scores,) = option_scores(_model(), [question], pad_token_id=5)
    best = scores.index(max(scores))

    for answer in range(3):
        asked = [choice_question(EXCHANGES[0], choices, answer, tokenizer=tokenizer)] * 2
        found = score_choices(_model(), asked, pad_token_id=5, batch_tokens=1)

        assert found == [Scores({"choice_accuracy": Tally(answer == best, 1)})] * 2


@pytest.mark.parametrize("batch_tokens", [1, 20, 1000])
@pytest.mark.parametrize("end", [frozenset({2}), frozenset({5, 17, 40}), frozenset(range(40))])
def test_greedy_answers_are_those_of_transformers(batch_tokens: int, end: frozenset[int]) -> None:
    import torch

    model = tiny_base().eval()
    prompts = [example.input_ids for example in copying_examples(7)]
    expected = []
    for prompt in prompts:
        row = model.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=sorted(end),
            pad_token_id=0,
        )[0].tolist()
        answer = tuple(row[len(prompt) :])
        expected.append(answer[:-1] if answer[-1] in end else answer)

    found = greedy_answers(
        model,
        prompts,
        end_token_ids=end,
        pad_token_id=0,
        max_new_tokens=12,
        batch_tokens=batch_tokens,
    )

    assert found == expected


RECORDS = [
    '{"labs":[{"name":"Sodium","value":"131","unit":"mmol/L"}]}',
    '{"medications":[{"name":"Digoxin","dose":"0.25 mg","prn":true}]}',
    '{"diagnoses":[{"name":"sepsis","assertion":"absent"}]}',
    '{"vitals":[{"name":"Pulse","value":"88"}],"procedures":[{"name":"Biopsy"}]}',
]
FIELDS = (3, 3, 2, 3)


def test_extraction_pools_the_counts_of_its_documents(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = [Example.exchange("…", record) for record in RECORDS]
    answers = [RECORDS[0], "Sure! " + RECORDS[1], "I cannot read this.", "{}"]
    monkeypatch.setattr(
        "medley_training.evaluation.extraction.answers_to", lambda *_, **__: answers
    )

    each = score_extraction(_model(), tokenizer, examples, max_new_tokens=1)
    scores = pooled(each)

    assert scores.tallies == {
        "critical_errors": Tally(0, 4),
        "field_exact": Tally(2, 4),
        "field_f1": Tally(2 * 6, 6 + sum(FIELDS)),
        "json_valid": Tally(3, 4),
    }
    assert [one.metrics()["field_f1"] for one in each] == [1, 1, 0, 0]


def test_an_answer_that_misstates_a_dose_is_a_critical_error(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Example.exchange("…", '{"medications":[{"name":"Digoxin","dose":"0.25 mg"}]}')
    monkeypatch.setattr(
        "medley_training.evaluation.extraction.answers_to",
        lambda *_, **__: ['{"medications":[{"name":"Digoxin","dose":"2.5 mg"}]}'],
    )

    (scores,) = score_extraction(_model(), tokenizer, [example], max_new_tokens=1)

    assert scores.metrics() == {
        "critical_errors": 1,
        "field_exact": 0,
        "field_f1": 0.5,
        "json_valid": 1,
    }


def test_extraction_of_chats_that_end_with_no_record_is_refused(tokenizer: Any) -> None:
    for completion in ("In plain words: …", '["a list"]', '{"medications": 3}', '{"song": []}'):
        with pytest.raises(RecipeError, match="a record in JSON"):
            score_extraction(
                _model(), tokenizer, [Example.exchange("?", completion)], max_new_tokens=1
            )


def test_every_task_scores_the_examples_that_it_is_for(tokenizer: Any) -> None:
    question = LabelledExample(
        example=EXCHANGES[0], label="salts", group="a", choices=("low", "high"), answer=0
    )
    document = Example.exchange("Sodium 131 mmol/L", RECORDS[0])
    plan = EvaluationPlan(tasks=("loss", "choices", "extraction"), max_new_tokens=3)
    heard: list[EvaluationProgress] = []
    model = tiny_base(257).train()

    each = evaluate(model, tokenizer, [question, document], plan, heard.append)
    scores = pooled(each)

    assert model.training
    assert scores.tallies["choice_accuracy"].count == 1
    assert scores.tallies["json_valid"].count == 1
    assert "json_valid" in each[1].tallies
    assert "json_valid" not in each[0].tallies
    completions = [EXCHANGES[0].messages[-1].content, document.messages[-1].content]
    assert scores.tallies["loss"].count == sum(len(each.encode()) + 1 for each in completions)
    assert [(each.task, each.done, each.total) for each in heard if each.done == each.total] == [
        ("loss", 2, 2),
        ("choices", 1, 1),
        ("extraction", 1, 1),
    ]


def test_only_the_first_examples_of_a_plan_with_a_limit_are_used(tokenizer: Any) -> None:
    plan = EvaluationPlan(max_examples=1)

    found = evaluate(_model(), tokenizer, EXCHANGES, plan)

    assert found == evaluate(_model(), tokenizer, EXCHANGES[:1], EvaluationPlan())
    (scores,) = found
    assert scores.tallies["loss"].count == len("low") + 1


def test_an_example_cut_before_its_completion_adds_nothing(tokenizer: Any) -> None:
    plan = EvaluationPlan(max_tokens=25)

    scores = pooled(evaluate(_model(), tokenizer, EXCHANGES[:2], plan))

    first = tokenize_example(EXCHANGES[0], tokenizer, max_tokens=25)
    assert scores.tallies["loss"].count == sum(t != IGNORED_LABEL for t in first.labels) == 2


def test_each_example_gets_its_own_scores_in_the_order_given(tokenizer: Any) -> None:
    long_first = [EXCHANGES[2], EXCHANGES[0], EXCHANGES[0], EXCHANGES[1]]

    found = evaluate(_model(), tokenizer, long_first, EvaluationPlan(batch_tokens=60))

    alone = [evaluate(_model(), tokenizer, [one], EvaluationPlan())[0] for one in long_first]
    for one, other in zip(found, alone, strict=True):
        assert one.tallies["loss"].sum == pytest.approx(other.tallies["loss"].sum, rel=1e-4)
        assert one.tallies["loss"].count == other.tallies["loss"].count
    assert evaluate(_model(), tokenizer, long_first, EvaluationPlan(max_tokens=8))[0] == NO_SCORES
