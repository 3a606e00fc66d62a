"""The rows of pages by their pictures: for vision-language bases, one page per question."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medley.pages import Box, Page
from medley.segments import ANSWER_SCHEMA, INSTRUCTION, ROW_KINDS

from medley_server.extraction.asking import LEAST_ANSWER, Asked, Asking
from medley_server.extraction.conforming import conforms
from medley_server.extraction.errors import DocumentTooLong, ImageTooSmall, OutputInvalid
from medley_server.extraction.finding import Finder
from medley_server.extraction.framing import Frame
from medley_server.extraction.page_rows import Errand, Failure, PageRows
from medley_server.extraction.question import Question
from medley_server.extraction.record_rows import GivenRow, RowBuilder
from medley_server.extraction.resized_image import Eye, ImageSize, ResizedImage, resized
from medley_server.extraction.together import together

_PROMPT = (
    'Copy each value character by character, as {"text": ..., "bbox_2d": [x0, y0, x1, y1]}, or as '
    "its text alone where you cannot say where it stands. Leave out what the page does not say."
)
_FRAME = Frame(task=INSTRUCTION, prompt=_PROMPT, sha256="")
_FIRST_ANSWER = 4096
_MOST_PICTURES = 8
"""In memory at a time, for all documents."""
_BOX = {"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4}


def _field_with_box(field: Mapping[str, Any]) -> Mapping[str, Any]:
    if field.get("type") != "string":
        return field
    boxed = {
        "type": "object",
        "properties": {"text": field, "bbox_2d": _BOX},
        "required": ["text"],
    }
    return {"anyOf": [boxed, field]}


def _with_boxes() -> Mapping[str, Any]:
    """`ANSWER_SCHEMA`, where each copied value may have a box."""
    lists = {}
    for section, rows in ANSWER_SCHEMA["properties"].items():
        row = rows["items"]
        fields = {name: _field_with_box(field) for name, field in row["properties"].items()}
        lists[section] = {**rows, "items": {**row, "properties": fields}, "maxItems": 64}
    return {**ANSWER_SCHEMA, "properties": lists}


PAGE_SCHEMA = _with_boxes()
"""What the engine holds the answer for a whole page to."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A page with its picture as it was sent."""

    page: Page
    size: ImageSize


class ImagePages:
    """Asks about the picture of each page."""

    def __init__(self, asking: Asking, eye: Eye) -> None:
        self._asking = asking
        self._eye = eye
        self._room = asyncio.Semaphore(_MOST_PICTURES)

    async def rows(self, errand: Errand) -> PageRows:
        """The rows of all pages that have a picture.

        Raises:
            EngineError: It cannot even be asked.
            EngineUnavailable: The engine is dead.
        """
        done = errand.pages_done()
        next(done)
        with errand.phases.asking():
            bare = await self._asking.size(self._question(errand, "", LEAST_ANSWER, bare=True))
            room = bare.limit - bare.tokens
            parts = await together(self._page(page, errand, room, done) for page in errand.pages)
        return PageRows.joined(parts)

    def _question(
        self, errand: Errand, url: str, max_tokens: int, *, bare: bool = False
    ) -> Question:
        return Question(
            model=errand.model,
            messages=_FRAME.pictures(() if bare else (url,)),
            max_tokens=max_tokens,
            schema=PAGE_SCHEMA,
            wants_logprobs=True,
        )

    async def _page(self, page: Page, errand: Errand, room: int, done: Iterator[None]) -> PageRows:
        assert page.image is not None
        async with self._room:
            try:
                image = await asyncio.to_thread(resized, page.image, self._eye)
            except ValueError as error:
                why = ImageTooSmall(f"The page cannot be looked at: {error}.", page=page.number)
                made = _failed(Failure(page=page.number, about="", error=why))
            else:
                made = await self._looked_at(page, image, errand, room)
        next(done)
        return made

    async def _looked_at(
        self, page: Page, image: ResizedImage, errand: Errand, room: int
    ) -> PageRows:
        tokens = self._eye.tokens(image.size)
        left = room - tokens
        if left < LEAST_ANSWER:
            too_long = DocumentTooLong(
                "The picture of the page has more tokens than the model can be shown.",
                page=page.number,
                details={"limit": room - LEAST_ANSWER, "actual": tokens},
            )
            return _failed(Failure(page=page.number, about="", error=too_long))
        question = self._question(errand, image.url, min(_FIRST_ANSWER, left))
        asked = await self._asking.ask(question, most_tokens=min(2 * _FIRST_ANSWER, left))
        built = await asyncio.to_thread(self._built, _Seen(page, image.size), asked, errand)
        return PageRows(
            rows=built.rows,
            failures=built.failures,
            questions=1,
            spent=asked.spent,
            image_tokens=tokens,
        )

    def _built(self, seen: _Seen, asked: Asked, errand: Errand) -> PageRows:
        page, written = seen.page, asked.written
        if written is None or not conforms(written.value, PAGE_SCHEMA):
            error = asked.failure or OutputInvalid("The answer is no list of rows.")
            return _failed(Failure(page=page.number, about="", error=error))
        with errand.phases.timed("grounding"):
            options = errand.options
            finder = Finder(
                page, grounding=options.grounding, confidence_min=options.confidence_min
            )
            builder = RowBuilder(finder, page=page.number, grounding=options.grounding)
            given = list(self._given(written.value, written.probabilities, seen.size))
            return PageRows(rows=tuple(builder.build(given)), questions=1)

    def _given(
        self, said: Mapping[str, Any], probabilities: Mapping[str, float], size: ImageSize
    ) -> Iterator[GivenRow]:
        for section in ROW_KINDS:
            for index, row in enumerate(said.get(section, ())):
                fields: dict[str, str | bool] = {}
                known: dict[str, float] = {}
                hints: dict[str, Box] = {}
                for name, value in row.items():
                    is_boxed = isinstance(value, Mapping)
                    at = f"/{section}/{index}/{name}" + ("/text" if is_boxed else "")
                    fields[name] = value["text"] if is_boxed else value
                    if at in probabilities:
                        known[name] = probabilities[at]
                    box = self._eye.box(value.get("bbox_2d"), size) if is_boxed else None
                    if box is not None:
                        hints[name] = box
                yield GivenRow(section=section, fields=fields, probabilities=known, hints=hints)


def _failed(failure: Failure) -> PageRows:
    return PageRows(failures=(failure,), questions=1)
