"""One short question per segment of a page, many in flight, and the rows of their answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from medley.segments import (
    ANSWER_SCHEMA,
    Segment,
    SegmentRow,
    max_answer_tokens,
    messages_of,
    rows_in,
)

from medley_server.extraction.asking import (
    LEAST_ANSWER,
    NOTHING,
    Asked,
    Asking,
    Spent,
    most_text_tokens,
)
from medley_server.extraction.errors import DocumentTooLong, ExtractionError, OutputInvalid
from medley_server.extraction.question import Pinned, Question, Size
from medley_server.extraction.together import together


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """A row that a model gave for a segment.

    Attributes:
        probabilities: Of each field that it gave, where the engine told.
    """

    section: str
    fields: Mapping[str, str | bool]
    probabilities: Mapping[str, float]
    segment: Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAnswer:
    """What became of a segment.

    Attributes:
        failure: Why it has no rows; None where it was answered.
    """

    segment: Segment
    rows: tuple[AnsweredRow, ...] = ()
    spent: Spent = NOTHING
    failure: ExtractionError | None = None


class SegmentQuestions:
    """Questions about the segments of one document, all to one version."""

    def __init__(self, asking: Asking, model: Pinned) -> None:
        self._asking = asking
        self._model = model
        self._bare: Size | None = None

    async def measure(self) -> None:
        """Learns how long a question may be; to be done once, before the first answer.

        Raises:
            EngineError: The engine cannot be asked.
            EngineUnavailable: It is dead.
        """
        bare = Segment(page=1, heading="", text="", words=())
        self._bare = await self._asking.size(self._question(bare))

    async def answers(self, segments: Sequence[Segment]) -> list[SegmentAnswer]:
        """An answer for each, in order.

        Raises:
            EngineUnavailable: The engine is dead.
        """
        return await together(self._answer(segment) for segment in segments)

    def _question(self, segment: Segment) -> Question:
        return Question(
            model=self._model,
            messages=tuple(messages_of(segment)),
            max_tokens=max_answer_tokens(segment),
            schema=ANSWER_SCHEMA,
            copied_from=segment.text,
            wants_logprobs=True,
        )

    async def _answer(self, segment: Segment) -> SegmentAnswer:
        question = self._question(segment)
        room = await self._room_for(question)
        if room < LEAST_ANSWER:
            return SegmentAnswer(segment=segment, failure=self._too_long(segment, room))
        asked = await self._asking.ask(
            replace(question, max_tokens=min(question.max_tokens, room)),
            most_tokens=min(2 * question.max_tokens, room),
        )
        return _answered(segment, asked)

    async def _room_for(self, question: Question) -> int:
        """Tokens left for an answer: exactly only where it could be too few."""
        assert self._bare is not None
        room = self._bare.limit - self._bare.tokens - most_text_tokens(question)
        if room >= 2 * question.max_tokens:
            return room
        size = await self._asking.size(question)
        return size.limit - size.tokens

    def _too_long(self, segment: Segment, room: int) -> DocumentTooLong:
        assert self._bare is not None
        limit = self._bare.limit
        return DocumentTooLong(
            "A part of the page has more text than the model can be shown at once.",
            page=segment.page,
            details={"limit": limit, "actual": limit - room + LEAST_ANSWER},
        )


def _answered(segment: Segment, asked: Asked) -> SegmentAnswer:
    if asked.written is None:
        return SegmentAnswer(segment=segment, spent=asked.spent, failure=asked.failure)
    try:
        rows = rows_in(asked.text)
    except ValueError:
        failure = OutputInvalid.with_output("The answer is no list of rows.", asked.text)
        return SegmentAnswer(segment=segment, spent=asked.spent, failure=failure)
    made = tuple(_rows(segment, rows, asked.written.probabilities))
    return SegmentAnswer(segment=segment, rows=made, spent=asked.spent)


def _rows(
    segment: Segment, rows: Sequence[SegmentRow], probabilities: Mapping[str, float]
) -> list[AnsweredRow]:
    numbers = {row.section: count() for row in rows}
    made = []
    for row in rows:
        at = f"/{row.section}/{next(numbers[row.section])}"
        known = {
            name: probabilities[f"{at}/{name}"]
            for name in row.fields
            if f"{at}/{name}" in probabilities
        }
        made.append(
            AnsweredRow(
                section=row.section, fields=row.fields, probabilities=known, segment=segment
            )
        )
    return made
