import json
from pathlib import Path
from typing import Any

import pytest
from medley_training.data.sources.pubmedqa import MAX_CONTEXT, load_pubmedqa, patients
from medley_training.errors import BadSource

QUESTION = {
    "QUESTION": "Does rest help?",
    "CONTEXTS": ["We asked whether it does.", "Of 40 patients, 30 improved."],
    "LABELS": ["BACKGROUND", "RESULTS"],
    "MESHES": ["Humans", "Female", "Adult", "Rest"],
    "final_decision": "yes",
    "LONG_ANSWER": "It does.",
}


def _write(folder: Path, *changes: dict[str, Any], tests: tuple[str, ...] = ()) -> Path:
    questions = {f"100{n}": QUESTION | change for n, change in enumerate(changes)}
    (folder / "ori_pqal.json").write_text(json.dumps(questions))
    (folder / "test_ground_truth.json").write_text(json.dumps(dict.fromkeys(tests, "yes")))
    return folder


def test_the_abstract_and_the_question_are_answered_with_yes_no_or_maybe(tmp_path: Path) -> None:
    (found,) = load_pubmedqa(_write(tmp_path, {"final_decision": "maybe"}))

    prompt, completion = found.example.messages
    assert prompt.content.startswith(
        "We asked whether it does.\nOf 40 patients, 30 improved.\n\nDoes rest help?\nA. yes\n"
    )
    assert "It does." not in prompt.content
    assert completion.content == "maybe"
    assert (found.choices, found.answer, found.label) == (("yes", "no", "maybe"), 2, "maybe")


def test_a_label_can_be_whom_the_article_is_about(tmp_path: Path) -> None:
    (found,) = load_pubmedqa(_write(tmp_path, {}), label="patients")

    assert (found.label, found.example.messages[1].content) == ("adults", "yes")


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["Apoptosis", "Plant Leaves"], "no humans"),
        (["Humans", "Pregnancy", "Adult"], "mothers and newborns"),
        (["Humans", "Child", "Adolescent"], "children"),
        (["Humans", "Child", "Adult"], "all ages"),
        (["Humans", "Adult", "Aged"], "adults, the old among them"),
        (["Humans"], "humans of no stated age"),
    ],
)
def test_patients_are_told_by_the_check_tags(headings: list[str], expected: str) -> None:
    assert patients(headings) == expected


def test_the_official_test_is_marked_where_it_is_asked_for(tmp_path: Path) -> None:
    folder = _write(tmp_path, {}, {"QUESTION": "And sleep?"}, tests=("1001",))

    assert [each.is_test for each in load_pubmedqa(folder, official_test=True)] == [False, True]
    assert [each.is_test for each in load_pubmedqa(folder)] == [False, False]


def test_a_long_abstract_keeps_its_start_and_its_conclusion(tmp_path: Path) -> None:
    sentences = [f"Sentence number {n} of the abstract." for n in range(200)]
    (found,) = load_pubmedqa(_write(tmp_path, {"CONTEXTS": [" ".join(sentences)]}))

    context = found.example.messages[0].content.split("\n\n")[0]

    assert len(context) <= MAX_CONTEXT
    assert context.startswith(sentences[0])
    assert context.endswith(sentences[-1])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"final_decision": "perhaps"}, "expected yes, no or maybe in 'final_decision'"),
        ({"CONTEXTS": "text"}, "expected a list of texts in 'CONTEXTS', found 'text'"),
        ({"QUESTION": 3}, "expected text in 'QUESTION', found 3"),
    ],
)
def test_what_is_not_a_question_is_named(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadSource, match=f"ori_pqal.json: question 1000: {reason}"):
        load_pubmedqa(_write(tmp_path, change))


def test_a_test_question_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"lacks the test question 77 of test_ground_truth.json"):
        load_pubmedqa(_write(tmp_path, {}, tests=("77",)), official_test=True)
