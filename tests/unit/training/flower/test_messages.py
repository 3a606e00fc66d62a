import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.errors import TaskRefused
from medley_training.flower.messages import (
    MESSAGE_TYPES,
    answer_content,
    one_line,
    read_answer,
    read_request,
    request_content,
)
from medley_training.rounds.transport import Failure, Question, Request, Response

TEXT = st.text(st.characters(codec="utf-8"))


@given(question=st.sampled_from(Question), body=TEXT, payload=st.binary())
def test_a_request_is_read_as_it_was_sent(question: Question, body: str, payload: bytes) -> None:
    request = Request(question, body, payload)

    assert read_request(request_content(request)) == request


@given(body=TEXT, payload=st.binary())
def test_a_response_is_read_as_it_was_sent(body: str, payload: bytes) -> None:
    response = Response(body, payload)

    assert read_answer(answer_content(response)) == response


def test_every_question_has_a_message_type_that_flower_accepts() -> None:
    from flwr.app.metadata import validate_message_type

    assert set(MESSAGE_TYPES) == set(Question)
    assert all(validate_message_type(each) for each in MESSAGE_TYPES.values())


@given(TEXT)
def test_a_failure_arrives_as_one_printable_line(reason: str) -> None:
    answer = read_answer(answer_content(Failure(reason)))

    assert answer == Failure(one_line(reason))
    assert isinstance(answer, Failure)
    assert not answer.reason or answer.reason.isprintable()


def test_a_long_reason_is_cut() -> None:
    assert len(one_line("word " * 1000)) < 700


def test_a_message_of_somebody_else_is_refused_by_a_site_and_counts_as_a_failure() -> None:
    from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

    array = Array(dtype="uint8", shape=(1,), stype="bytes", data=b"x")
    strange = [
        RecordDict({}),
        RecordDict({"medley": ConfigRecord({"question": "delete", "body": "{}"})}),
        RecordDict({"medley": ConfigRecord({"question": 1, "body": 2})}),
        RecordDict({"other": ConfigRecord({"question": "train", "body": "{}"})}),
    ]
    no_payload = RecordDict(
        {
            "medley": ConfigRecord({"question": "train", "body": "{}"}),
            "payload": ArrayRecord({"weights": array}),
        }
    )

    for content in [*strange, no_payload]:
        with pytest.raises(TaskRefused):
            read_request(content)
    for content in [strange[0], strange[2], no_payload]:
        assert isinstance(read_answer(content), Failure)
