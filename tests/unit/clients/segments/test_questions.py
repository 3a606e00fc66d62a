"""What is asked about a segment, and what counts as an answer."""

import json

import pytest
from medley.records import SECTIONS, DocumentType
from medley.segments import (
    ANSWER_SCHEMA,
    ROW_KINDS,
    Segment,
    SegmentRow,
    messages_of,
    prompt_of,
    rows_in,
)
from medley_training.documents.document import generate
from medley_training.documents.extraction import completion

SEGMENT = Segment(page=1, heading="Results", text="Sodium | 139", words=())


def test_the_question_shows_the_heading_and_the_text() -> None:
    assert prompt_of(SEGMENT) == "[Results] Sodium | 139"
    assert [message["role"] for message in messages_of(SEGMENT)] == ["system", "user"]


def test_an_answer_gives_its_rows_with_what_they_say() -> None:
    labs = '"labs":[{"name":"Sodium","value":"139","flag":""}]'
    answer = f'{{{labs},"medications":[{{"name":"A","prn":true}}]}}'

    assert rows_in(answer) == (
        SegmentRow("medications", {"name": "A", "prn": True}),
        SegmentRow("labs", {"name": "Sodium", "value": "139"}),
    )
    assert rows_in("{}") == ()


@pytest.mark.parametrize(
    "answer",
    ['{"labs":[{"name":"Sod', "[]", '{"labs":{}}', '{"labs":[{"value":"1"}]}', "[" * 100_000],
)
def test_what_is_no_answer_is_refused(answer: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own, or ours
        rows_in(answer)


def test_the_schema_takes_every_right_answer() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for number, document_type in enumerate(DocumentType):
        document = generate(2, document_type=document_type, style="lakeside", number=number)
        jsonschema.validate(json.loads(completion(document.truth)), dict(ANSWER_SCHEMA))


def test_the_schema_bounds_every_value_and_every_list() -> None:
    assert set(ANSWER_SCHEMA["properties"]) == set(SECTIONS) == set(ROW_KINDS)
    for rows in ANSWER_SCHEMA["properties"].values():
        assert rows["maxItems"] > 0
        for field in rows["items"]["properties"].values():
            assert "maxLength" in field or "enum" in field or "const" in field
