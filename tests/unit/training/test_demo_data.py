from hashlib import sha256
from random import Random

import pytest
from medley_training.data.plain_words import (
    CLOSING,
    OPENING,
    Letter,
    explain_letter,
    plain_words_examples,
)
from medley_training.data.triage_notes import (
    NOT_GIVEN,
    Complaint,
    NoteForm,
    triage_examples,
    write_note,
)
from medley_training.demo_adapters import VERSIONS, DemoVersion

COMPLAINT = Complaint(
    region="throat",
    symptom="a sore throat",
    companion="a mild fever",
    when="since Monday",
    courses=[("It is getting worse.", "Getting worse.")],
    backgrounds=[("I smoke.", "Smoker.")],
)
GOLDEN = {
    "triage-note:1": "b67f571f0ebac9a7ebc553297cabd3776624b976a6e78ee1b5c049c2d94a3a2c",
    "triage-note:2": "949144547a0484d9cae0084a0af4d5cb0f0d451b71009e5df4e0d17c2a66e3e8",
    "plain-words:1": "a78141a4a685484a0c66df2698e943fde3907f8b58552a0694abdd96383405b9",
    "plain-words:2": "f3c31323e64b00d51d24d9798f25defd51a2c1954fee132879876f7caadd18da",
}


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_a_seed_always_gives_the_data_that_the_shipped_adapters_were_trained_on(
    version: DemoVersion,
) -> None:
    lines = "\n".join(example.to_json() for example in version.examples(7))

    assert sha256(lines.encode()).hexdigest() == GOLDEN[str(version)]


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_another_seed_gives_other_data(version: DemoVersion) -> None:
    assert version.examples(8) != version.examples(7)


def test_a_soap_note_repeats_the_complaint_and_leaves_the_cause_open() -> None:
    subjective, objective, assessment, plan = write_note(COMPLAINT, NoteForm.SOAP).splitlines()

    assert subjective == (
        "S: Patient reports a sore throat since Monday, with a mild fever. Getting worse. Smoker."
    )
    assert objective == "O: Vital signs and examination not yet recorded."
    assert assessment.startswith("A: Cause not yet known: a sore throat with a mild fever. No diag")
    assert plan.startswith("P: Record vital signs and examine the throat. Get help at once for")


def test_an_sbar_note_separates_the_background() -> None:
    lines = write_note(COMPLAINT, NoteForm.SBAR).splitlines()

    assert lines[0].startswith("Situation: Patient reports a sore throat since Monday")
    assert lines[1] == "Background: Smoker."
    assert lines[2].startswith("Assessment: Cause not yet known: a sore throat with a mild fever.")
    assert lines[3].startswith("Recommendation: Please record vital signs, examine the throat")


@pytest.mark.parametrize("form", NoteForm)
def test_every_complaint_is_different_and_its_symptom_is_in_the_note(form: NoteForm) -> None:
    examples = triage_examples(form, Random(0), count=150)

    assert len({example.messages[0].content for example in examples}) == 150
    for example in examples:
        lines = example.messages[1].content.splitlines()
        assert [line.split(" ")[0] for line in lines] == list(form.value)
        finding = lines[2].removeprefix(f"{form.value[2]} Cause not yet known: ")
        symptom = finding.partition(".")[0].partition(" with ")[0]
        assert symptom in example.messages[0].content.lower()


def test_a_complaint_without_a_background_says_that_none_was_given() -> None:
    notes = [e.messages[1].content for e in triage_examples(NoteForm.SBAR, Random(0), count=50)]

    assert any(f"Background: {NOT_GIVEN}" in note for note in notes)


def test_a_letter_is_explained_with_its_own_medicine_and_dates() -> None:
    letter = Letter(
        diagnosis=("hypertension", "high blood pressure"),
        status=("stable", "It has not changed."),
        change=("continue losartan daily", "Keep taking losartan every day."),
        medicine="losartan",
        test=None,
        visit="2 weeks",
    )

    assert explain_letter(letter) == (
        "In plain words: you have high blood pressure (hypertension). It has not changed. "
        "Keep taking losartan every day. Your next visit is in 2 weeks. "
        "Do not change your medicines without asking first."
    )


@pytest.mark.parametrize("with_closing", [False, True])
def test_plain_words_open_and_close_as_promised(with_closing: bool) -> None:
    examples = plain_words_examples(Random(0), num_letters=100, with_closing=with_closing)

    for example in examples:
        answer = example.messages[1].content
        assert answer.startswith(OPENING)
        assert (f"\n{CLOSING}" in answer) == with_closing
        assert answer.endswith("?" if with_closing else ".")
