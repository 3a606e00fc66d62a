from collections import Counter
from hashlib import sha256

import pytest
from medley.records import Assertion, DocumentType, MedicalRecord, MedicationStatus
from medley_training.documents.composing import spans_of
from medley_training.documents.document import Document, documents, generate
from medley_training.documents.extraction import completion
from medley_training.documents.styles import STYLES
from medley_training.errors import RecipeError

SHORT = tuple(documents(11, count=25))
FULL = tuple(documents(11, count=5, length="full"))
EVERY = (*SHORT, *FULL)
# What recipes were run on: a change here makes other data of the same seed.
GOLDEN = "d6af4cd1dda513b21040c2a5766b875c989d982efb3b46b2a44e6cf66ba794be"


def test_a_seed_always_gives_the_same_documents() -> None:
    lines = "\n".join(f"{each.text}\n{completion(each.truth)}" for each in EVERY)

    assert sha256(lines.encode()).hexdigest() == GOLDEN


def test_documents_do_not_depend_on_those_made_before() -> None:
    alone = generate(11, document_type=SHORT[17].document_type, style=SHORT[17].style, number=17)

    assert alone == SHORT[17]


def test_no_two_documents_have_the_same_text() -> None:
    assert len({document.text for document in EVERY}) == len(EVERY)
    assert len({document.name for document in EVERY}) == len(EVERY)


def test_every_site_writes_every_type() -> None:
    written = {(document.style, document.document_type) for document in SHORT}

    assert written == {(style, kind) for style in STYLES for kind in DocumentType}


def _printed(document: Document) -> dict[str, str]:
    return {
        path: span.text
        for block in document.blocks
        for span in spans_of(block)
        for path in span.paths
    }


def test_the_truth_is_what_the_document_prints() -> None:
    for document in EVERY:
        printed = _printed(document)
        assert {path: leaf.text for path, leaf in document.truth.leaves()} == {
            path: text
            for path, text in printed.items()
            if not path.endswith((".prn", ".status", ".assertion"))
        }, document.name
        assert all(text in document.text for text in printed.values())
        assert MedicalRecord.from_json(document.truth.to_json()) == document.truth


def test_what_is_concluded_is_said_by_a_word() -> None:
    for document in EVERY:
        said = _printed(document).keys()
        for index, medication in enumerate(document.truth.medications):
            path = f"medications[{index}]"
            assert medication.prn == (f"{path}.prn" in said), document.name
            if medication.status is not MedicationStatus.ACTIVE:
                assert f"{path}.status" in said, document.name


def test_the_hard_features_are_there_at_a_rate() -> None:
    medications = [m for d in EVERY for m in d.truth.medications]
    labs = [lab for d in EVERY for lab in d.truth.labs]
    diagnoses = [diagnosis for d in EVERY for diagnosis in d.truth.diagnoses]
    statuses = Counter(medication.status for medication in medications)
    assertions = Counter(diagnosis.assertion for diagnosis in diagnoses)

    assert 0.03 < sum(m.prn for m in medications) / len(medications) < 0.3
    assert 0.02 < sum(m.dose is None for m in medications) / len(medications) < 0.25
    assert all(statuses[status] for status in MedicationStatus)
    assert all(assertions[assertion] for assertion in Assertion)
    assert 0.02 < sum(lab.comparator is not None for lab in labs) / len(labs) < 0.25
    assert {lab.flag.value for lab in labs if lab.flag} == {
        "high",
        "low",
        "critical_high",
        "critical_low",
    }
    assert any(lab.unit is None for lab in labs)


def test_a_document_names_no_row_twice() -> None:
    for document in EVERY:
        for section in ("medications", "labs", "diagnoses", "procedures"):
            names = [row.name.value for row in getattr(document.truth, section)]
            assert len(names) == len(set(names)), document.name


def test_what_is_on_the_page_but_no_value_is_not_in_the_truth() -> None:
    reconciliation = next(d for d in SHORT if "(rash)" in d.text or "(RASH)" in d.text)
    names = {row.name.value for _, row in reconciliation.truth.rows()}

    assert not names & {"penicillin", "latex"}


def test_a_style_that_there_is_not_is_refused() -> None:
    with pytest.raises(RecipeError, match="no site style 'moon'; there are lakeside"):
        generate(1, document_type=DocumentType.LAB_PANEL, style="moon")
