"""The rows of pages by their text: for bases that see no pictures."""

import asyncio
from collections.abc import Iterator, Sequence

from medley.pages import Page
from medley.segments import Segment, segments_of

from medley_server.extraction.asking import NOTHING, Asking
from medley_server.extraction.finding import Finder, Part
from medley_server.extraction.page_rows import Errand, Failure, PageRows
from medley_server.extraction.record_rows import GivenRow, RowBuilder
from medley_server.extraction.segment_answers import SegmentAnswer, SegmentQuestions
from medley_server.extraction.together import together

_SHOWN = 40
"""Characters of a segment in a warning about it."""


class TextPages:
    """Asks about each segment of the pages."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def rows(self, errand: Errand) -> PageRows:
        """The rows of all pages.

        Raises:
            EngineError: It cannot even be asked.
            EngineUnavailable: The engine is dead.
        """
        with errand.phases.timed("segments"):
            segments = await asyncio.to_thread(segments_of, errand.pages)
        questions = SegmentQuestions(self._asking, errand.model)
        done = errand.pages_done()
        next(done)
        with errand.phases.asking():
            await questions.measure()
            parts = await together(
                self._page(
                    page,
                    [one for one in segments if one.page == page.number],
                    questions,
                    errand,
                    done,
                )
                for page in errand.pages
            )
        return PageRows.joined(parts)

    async def _page(
        self,
        page: Page,
        segments: Sequence[Segment],
        questions: SegmentQuestions,
        errand: Errand,
        done: Iterator[None],
    ) -> PageRows:
        answers = await questions.answers(segments)
        made = await asyncio.to_thread(_built, page, answers, errand)
        next(done)
        return made


def _built(page: Page, answers: Sequence[SegmentAnswer], errand: Errand) -> PageRows:
    with errand.phases.timed("grounding"):
        options = errand.options
        finder = Finder(page, grounding=options.grounding, confidence_min=options.confidence_min)
        builder = RowBuilder(finder, page=page.number, grounding=options.grounding)
        given = [row for answer in answers if answer.rows for row in _given(answer, finder)]
        return PageRows(
            rows=tuple(builder.build(given)),
            failures=tuple(_failures(answers)),
            questions=len(answers),
            spent=sum((answer.spent for answer in answers), NOTHING),
        )


def _given(answer: SegmentAnswer, finder: Finder) -> Iterator[GivenRow]:
    part: Part = finder.part(answer.segment.words)
    for row in answer.rows:
        yield GivenRow(
            section=row.section,
            fields=row.fields,
            probabilities=row.probabilities,
            part=part,
        )


def _failures(answers: Sequence[SegmentAnswer]) -> Iterator[Failure]:
    for answer in answers:
        if answer.failure is not None:
            text = answer.segment.text
            about = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            yield Failure(page=answer.segment.page, about=about, error=answer.failure)
