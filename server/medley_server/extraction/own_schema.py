"""A caller's own schema, filled from the pages: all at once where they fit, else in runs of pages.

A document that is longer than the model can be shown is asked about in runs of whole pages, beside
each other, and what they say is joined (`placed.merged`). A single page that is too long is refused
with numbers. A vision-language base is shown one page per question.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medley.results import ExtractionWarning, Grounding

from medley_server.extraction.asking import NOTHING, Asked, Asking, Spent
from medley_server.extraction.conforming import conforms
from medley_server.extraction.errors import OutputInvalid
from medley_server.extraction.framing import Frame
from medley_server.extraction.leaf_search import LeafSearch
from medley_server.extraction.page_rows import Errand, Failure
from medley_server.extraction.page_runs import MOST_ANSWER, PageRuns, Run
from medley_server.extraction.placed import Parting, Tree, merged, placed
from medley_server.extraction.question import Question
from medley_server.extraction.resized_image import Eye
from medley_server.extraction.together import together

TASK = "You copy data out of documents, character by character, and answer with JSON alone."


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnData:
    """What a caller's schema was filled with.

    Attributes:
        not_found: Pointers of what the schema names and the document does not say.
    """

    data: Any
    places: Mapping[str, Any]
    not_found: tuple[str, ...]
    warnings: tuple[ExtractionWarning, ...]
    failures: tuple[Failure, ...]
    spent: Spent
    image_tokens: int


class OwnSchema:
    """Fills schemas."""

    def __init__(self, asking: Asking, eye: Eye | None) -> None:
        self._asking = asking
        self._eye = eye

    async def data(
        self, errand: Errand, given: Mapping[str, Any], schema: Mapping[str, Any]
    ) -> OwnData:
        """What the pages say.

        Args:
            errand: The pages.
            given: The schema as the caller wrote it, with its descriptions.
            schema: The same, bounded.

        Raises:
            DocumentTooLong: A page does not fit by itself.
            ExtractionError: No question at all was answered.
        """
        done = errand.pages_done()
        next(done)
        frame = Frame(task=TASK, prompt=_prompt(given), sha256=errand.sha256)
        question = Question(
            model=errand.model,
            messages=(),
            max_tokens=MOST_ANSWER,
            schema=schema,
            wants_logprobs=True,
        )
        with errand.phases.asking():
            runs = await PageRuns(self._asking, self._eye, frame).of(errand.pages, question)
            answers = await together(self._asked(run, done) for run in runs)
        if runs and all(asked.written is None for asked in answers):
            error = answers[0].failure
            assert error is not None
            raise error
        return await asyncio.to_thread(self._joined, runs, answers, errand, schema)

    async def _asked(self, run: Run, done: Iterator[None]) -> Asked:
        asked = await self._asking.ask(run.question, most_tokens=run.most_tokens)
        schema = run.question.schema
        assert schema is not None
        if asked.written is not None and not conforms(asked.written.value, schema):
            invalid = "The answer does not keep to the schema."
            failure = OutputInvalid.with_output(invalid, asked.text)
            asked = replace(asked, written=None, failure=failure)
        for _ in run.pages:
            next(done)
        return asked

    def _joined(
        self,
        runs: Sequence[Run],
        answers: Sequence[Asked],
        errand: Errand,
        schema: Mapping[str, Any],
    ) -> OwnData:
        warnings: list[ExtractionWarning] = []

        def warn(code: str, path: str, message: str) -> None:
            warnings.append(ExtractionWarning(code=code, path=path, message=message))

        with errand.phases.timed("grounding"):
            tree: Tree = {}
            for run, asked in zip(runs, answers, strict=True):
                if asked.written is not None:
                    search = LeafSearch(run.pages, errand.options, schema)
                    found = search.found(asked.written, asked.text)
                    tree = merged(tree, placed(asked.written.value, found.get), warn)
        parting = Parting(schema, errand.options.grounding is Grounding.REQUIRED)
        data = parting.part(tree)
        return OwnData(
            data=data,
            places=parting.places,
            not_found=tuple(parting.not_found),
            warnings=(*warnings, *parting.warnings),
            failures=tuple(_failures(runs, answers)),
            spent=sum((asked.spent for asked in answers), NOTHING),
            image_tokens=sum(run.image_tokens for run in runs),
        )


def _failures(runs: Sequence[Run], answers: Sequence[Asked]) -> list[Failure]:
    return [
        Failure(page=page.number, about="", error=asked.failure)
        for run, asked in zip(runs, answers, strict=True)
        if asked.failure is not None
        for page in run.pages
    ]


def _prompt(given: Mapping[str, Any]) -> str:
    schema = json.dumps(given, ensure_ascii=False, separators=(",", ":"))
    return (
        f"Fill this JSON schema with what the document says:\n{schema}\n"
        "Copy values as they are printed. Leave out, or give null for, what it does not say."
    )
