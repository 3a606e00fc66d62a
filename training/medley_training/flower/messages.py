"""Questions and answers as the content of Flower messages.

The text goes in a config record. The payload goes in an array record, because Flower cuts arrays
into pieces of 5 MB and everything else into messages of at most 2 GB.
"""

from typing import TYPE_CHECKING

from medley_training.errors import TaskRefused
from medley_training.rounds.transport import Failure, Question, Request, Response

if TYPE_CHECKING:
    from flwr.app import RecordDict

_TEXT = "medley"
_PAYLOAD = "payload"
_LONGEST_REASON = 600

# Flower lets a message's type begin with one of its own three words only.
MESSAGE_TYPES = {
    Question.TRAIN: "train",
    Question.EVALUATE: "evaluate",
    Question.RECEIPT: "query",
}


def request_content(request: Request) -> "RecordDict":
    """What a request is sent as."""
    return _content({"question": request.question.value, "body": request.body}, request.payload)


def read_request(content: "RecordDict") -> Request:
    """The request in a message.

    Raises:
        TaskRefused: It holds none, or a question that is not known here.
    """
    text = _text(content)
    try:
        return Request(Question(text["question"]), text["body"], _payload(content))
    except (KeyError, ValueError) as error:
        raise TaskRefused("a message without a question that is known here") from error


def answer_content(answer: Response | Failure) -> "RecordDict":
    """What an answer is sent as."""
    if isinstance(answer, Failure):
        return _content({"failure": answer.reason}, b"")
    return _content({"body": answer.body}, answer.payload)


def read_answer(content: "RecordDict") -> Response | Failure:
    """The answer in a message; one in another form counts as a failure."""
    text = _text(content)
    if "failure" in text:
        return Failure(one_line(text["failure"]))
    try:
        return Response(text["body"], _payload(content))
    except (KeyError, ValueError):
        return Failure("the site's answer is not in the form that is known here")


def one_line(text: str) -> str:
    """A reason that a site sent or that came out of Flower, fit for a line of a log."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}…"


def _content(text: dict[str, str], payload: bytes) -> "RecordDict":
    from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

    content = RecordDict({_TEXT: ConfigRecord(text)})
    if payload:
        array = Array(dtype="uint8", shape=(len(payload),), stype="bytes", data=payload)
        content[_PAYLOAD] = ArrayRecord({_PAYLOAD: array})
    return content


def _text(content: "RecordDict") -> dict[str, str]:
    record = content.config_records.get(_TEXT, {})
    return {name: value for name, value in record.items() if isinstance(value, str)}


def _payload(content: "RecordDict") -> bytes:
    record = content.array_records.get(_PAYLOAD)
    if record is None:
        return b""
    data: bytes = record[_PAYLOAD].data
    return data
