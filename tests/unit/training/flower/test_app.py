"""A site's ClientApp, called as the SuperNode's tasks call it."""

import pytest
from medley_training.errors import BudgetSpent
from medley_training.flower.app import client_app
from medley_training.flower.messages import MESSAGE_TYPES, read_answer, request_content
from medley_training.rounds.transport import Failure, Question, Request, Response


class Repeating:
    def handle(self, request: Request) -> Response:
        if request.body == "spent":
            raise BudgetSpent("epsilon 8.1 would\npass 8.0")
        if request.body == "bug":
            raise KeyError("patient 17")
        return Response(f"{request.question}: {request.body}", request.payload[::-1])


def asked(request: Request) -> Response | Failure:
    from flwr.app import Context, Message, RecordDict

    kind = MESSAGE_TYPES[request.question]
    message = Message(request_content(request), dst_node_id=7, message_type=kind)
    context = Context(
        run_id=1, node_id=7, node_config={}, state=RecordDict(), run_config={}, series_id=1
    )
    return read_answer(client_app(Repeating())(message, context).content)


@pytest.mark.parametrize("question", Question)
def test_each_question_reaches_the_participant(question: Question) -> None:
    assert asked(Request(question, "{}", b"abc")) == Response(f"{question}: {{}}", b"cba")


def test_an_error_of_ours_is_quoted_and_another_one_only_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert asked(Request(Question.TRAIN, "spent")) == Failure("epsilon 8.1 would pass 8.0")

    answer = asked(Request(Question.TRAIN, "bug"))

    assert isinstance(answer, Failure)
    assert "KeyError" in answer.reason
    assert "patient" not in answer.reason
    assert "patient 17" in caplog.text
