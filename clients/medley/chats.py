"""Conversations: what is said, and what a model answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypedDict

from medley.answers import Answer, guard
from medley.errors import UnexpectedAnswer
from medley.events import EventReader
from medley.refusals import refusal

Messages: TypeAlias = str | Sequence[Mapping[str, Any]]
"""OpenAI's messages, or the text of the one that a user says."""

_END = "[DONE]"


class ChatOptions(TypedDict, total=False):
    """How to answer.

    Attributes:
        system: said before everything else.
        temperature: 0 for the likeliest words.
        max_tokens: the longest answer.
        top_p: how much of the likelihood is drawn from.
        seed: for the same draw again.
        stop: what ends the answer.
        extra: further fields of the request, as OpenAI's API and vLLM know them.
    """

    system: str
    temperature: float
    max_tokens: int
    top_p: float
    seed: int
    stop: str | Sequence[str]
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAnswer:
    """What a model answered, and which version of which adapter it was.

    Attributes:
        model: the version's reference, such as `note:7`, or the base's name.
        digest: of the version; None where the base itself answered.
        round: the federated round that the version came from.
        finish_reason: `stop`, or `length` where it was cut.
        input_tokens: what was asked, as far as the server counts; likewise `output_tokens`.
        request_id: by which the server's log knows the request.
    """

    text: str
    model: str
    digest: str | None = None
    round: int | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    request_id: str | None = None


def chat_answer(answer: Answer) -> ChatAnswer:
    """Read a whole answer of chat completions.

    Raises:
        UnexpectedAnswer: it is none.
    """
    reader = PieceReader(answer.headers)
    return guard(reader.read_whole, answer.body)


class PieceReader:
    """Reads an answer as it comes in; knows at any time what came so far."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Takes from the headers what they say of the version that answers."""
        self.is_complete = False
        self._events = EventReader()
        self._headers = headers
        self._pieces: list[str] = []
        self._model = ""
        self._finish_reason: str | None = None
        self._usage: Mapping[str, Any] = {}

    @property
    def answer(self) -> ChatAnswer:
        round_ = self._headers.get("x-medley-round", "")
        return ChatAnswer(
            text="".join(self._pieces),
            model=self._model,
            digest=self._headers.get("x-medley-digest"),
            round=int(round_) if round_.isdecimal() else None,
            finish_reason=self._finish_reason,
            input_tokens=self._usage.get("prompt_tokens"),
            output_tokens=self._usage.get("completion_tokens"),
            request_id=self._headers.get("x-request-id"),
        )

    def read_whole(self, body: Any) -> ChatAnswer:
        choice = body["choices"][0]
        self._note(body, choice)
        self._pieces.append(choice["message"]["content"] or "")
        return self.answer

    def feed(self, piece: bytes) -> Iterator[str]:
        """The text in so many more bytes of a stream.

        Raises:
            Refusal: the server tells of an error.
            UnexpectedAnswer: it is no such stream.
        """
        for data in self._events.feed(piece):
            if data == _END:
                self.is_complete = True
                return
            if text := guard(self._text_in, _object_in(data)):
                self._pieces.append(text)
                yield text

    def _text_in(self, chunk: Any) -> str:
        choice = chunk["choices"][0] if chunk["choices"] else {}
        self._note(chunk, choice)
        text = choice.get("delta", {}).get("content") or ""
        return str(text)

    def _note(self, body: Any, choice: Any) -> None:
        self._model = body.get("model") or self._model
        self._usage = body.get("usage") or self._usage
        self._finish_reason = choice.get("finish_reason") or self._finish_reason


def _object_in(data: str) -> Any:
    try:
        chunk = json.loads(data)
    except ValueError as error:
        raise UnexpectedAnswer(f"the server streams what is not JSON: {data[:80]!r}") from error
    if isinstance(chunk, dict) and "error" in chunk:
        told = chunk["error"] if isinstance(chunk["error"], dict) else {}
        status = told.get("code")  # vLLM's errors have the status there
        raise refusal(status if isinstance(status, int) else None, chunk)
    return chunk
