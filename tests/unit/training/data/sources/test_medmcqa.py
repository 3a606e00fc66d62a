import json
from pathlib import Path
from typing import Any

import pytest
from medley_training.data.sources.medmcqa import load_medmcqa
from medley_training.errors import BadSource

QUESTION = {
    "question": "Which is true?",
    "exp": None,
    "cop": 2,
    "opa": "Red",
    "opb": "Green ",
    "opc": "Blue",
    "opd": "None of these",
    "subject_name": "Anatomy",
    "topic_name": None,
    "id": "45258d3d",
}


def _write(folder: Path, *questions: dict[str, Any]) -> Path:
    lines = "\n".join(json.dumps(QUESTION | question) for question in questions)
    (folder / "dev.json").write_text(lines + "\n")
    return folder


def test_a_question_is_answered_by_the_text_of_its_right_option(tmp_path: Path) -> None:
    (found,) = load_medmcqa(_write(tmp_path, {}))

    prompt, completion = found.example.messages
    assert prompt.content == (
        "Which is true?\nA. Red\nB. Green\nC. Blue\nD. None of these\n"
        "Answer with the text of the right option."
    )
    assert completion.content == "Green"
    assert found.choices == ("Red", "Green", "Blue", "None of these")
    assert (found.answer, found.label, found.site) == (1, "Anatomy", None)


def test_options_are_counted_from_one(tmp_path: Path) -> None:
    found = load_medmcqa(_write(tmp_path, *({"cop": n} for n in (1, 2, 3, 4))) / "dev.json")

    assert [each.answer for each in found] == [0, 1, 2, 3]


def test_the_same_question_with_other_options_is_of_the_same_group(tmp_path: Path) -> None:
    questions: tuple[dict[str, Any], ...] = (
        {},
        {"question": "which is true", "opc": "Black"},
        {"question": "Is it so?"},
    )

    one, two, other = load_medmcqa(_write(tmp_path, *questions))

    assert one.group == two.group != other.group


def test_a_question_whose_right_option_is_there_twice_is_left_out(tmp_path: Path) -> None:
    found = load_medmcqa(_write(tmp_path, {"opd": "green"}, {"opd": "RED"}))

    assert [each.choices[3] for each in found] == ["RED"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cop": 0}, "expected 1, 2, 3 or 4 in 'cop', found 0"),
        ({"cop": "2"}, "expected 1, 2, 3 or 4 in 'cop', found '2'"),
        ({"opc": ""}, "expected text in 'opc', found ''"),
        ({"subject_name": None}, "expected text in 'subject_name', found nothing"),
    ],
)
def test_what_is_not_a_question_is_named_by_its_line(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadSource, match=f"dev.json:2: {reason}"):
        load_medmcqa(_write(tmp_path, {}, change))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "dev.json:1: not JSON"),
        (b"[1]", r"dev.json:1: expected a JSON object, found \[1\]"),
        (b"\xff", "dev.json: not UTF-8 text at byte 0"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    (tmp_path / "dev.json").write_bytes(text)

    with pytest.raises(BadSource, match=reason):
        load_medmcqa(tmp_path)


def test_a_missing_file_is_refused_with_the_name_expected(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"dev.json is missing: expected the file dev.json"):
        load_medmcqa(tmp_path)
