"""The type of a document, from its first lines and its rows."""

from collections import Counter

import pytest
from medley.records import DocumentType
from medley_server.extraction.document_types import judge

from tests.unit.server.extraction.paper import page_of

TITLES = [
    ("Medication Reconciliation", DocumentType.MEDICATION_RECONCILIATION),
    ("ICU FLOWSHEET", DocumentType.ICU_FLOWSHEET),
    ("Cardiology Consultation", DocumentType.CARDIOLOGY_CONSULTATION),
    ("LABORATORY RESULTS", DocumentType.LAB_PANEL),
    ("Operative Note", DocumentType.OPERATIVE_NOTE),
]


@pytest.mark.parametrize(("title", "kind"), TITLES)
def test_a_title_tells(title: str, kind: DocumentType) -> None:
    judged = judge([page_of("Saint Elsewhere Hospital", "", title)], Counter())

    assert judged is not None
    assert judged[0] is kind
    assert 0.5 < judged[1] <= 1


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (Counter(medications=12, diagnoses=3), DocumentType.MEDICATION_RECONCILIATION),
        (Counter(vitals=40, labs=6, medications=3), DocumentType.ICU_FLOWSHEET),
        (
            Counter(diagnoses=7, vitals=5, labs=5, medications=5),
            DocumentType.CARDIOLOGY_CONSULTATION,
        ),
        (Counter(labs=20), DocumentType.LAB_PANEL),
        (Counter(procedures=2, diagnoses=3), DocumentType.OPERATIVE_NOTE),
    ],
)
def test_rows_tell_where_the_title_says_nothing(rows: Counter[str], kind: DocumentType) -> None:
    judged = judge([page_of("Saint Elsewhere Hospital")], rows)

    assert judged is not None
    assert judged[0] is kind


def test_nothing_tells_of_no_type() -> None:
    assert judge([page_of("An invoice")], Counter()) is None
    assert judge([], Counter()) is None
