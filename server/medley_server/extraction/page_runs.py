"""Whole pages in runs that fit a model's context."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from medley.pages import Page
from medley.segments import page_text

from medley_server.extraction.asking import Asking
from medley_server.extraction.errors import DocumentTooLong, ImageTooSmall
from medley_server.extraction.framing import Frame
from medley_server.extraction.question import Question
from medley_server.extraction.resized_image import Eye, ResizedImage, resized
from medley_server.extraction.together import together

MOST_ANSWER = 4096
"""Tokens kept for an answer, where the context is long."""

_ANSWER_SHARE = 3
"""Where it is short, one part in so many of it is kept."""

_BETWEEN = 8
"""Tokens that may come up between two pages."""


class Room(NamedTuple):
    """Tokens: for the answer, and for the pages of one question."""

    answer: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Pages that are asked about together.

    Attributes:
        question: With its first budget.
        most_tokens: The most that the answer may have.
    """

    pages: tuple[Page, ...]
    question: Question
    most_tokens: int
    image_tokens: int = 0


class PageRuns:
    """Puts pages together to questions."""

    def __init__(self, asking: Asking, eye: Eye | None, frame: Frame) -> None:
        """Prepares questions.

        Args:
            asking: Tells how long they are.
            eye: How pictures are looked at; None for texts.
            frame: What is said around the pages.
        """
        self._asking = asking
        self._eye = eye
        self._frame = frame

    async def of(self, pages: Sequence[Page], question: Question) -> list[Run]:
        """Runs of the pages, in order; of pictures each is one.

        Args:
            pages: In order.
            question: All but its messages; its budget is what the answer should have room for.

        Raises:
            DocumentTooLong: A page does not fit by itself.
            ImageTooSmall: A picture cannot be looked at.
            EngineError: The engine cannot be asked.
        """
        room = await self._room(question)
        if self._eye is not None:
            return [await self._seen(page, self._eye, question, room) for page in pages]
        texts = await asyncio.to_thread(lambda: [page_text(page) for page in pages])
        tokens = await together(self._tokens(text, question) for text in texts)
        asked = replace(question, max_tokens=room.answer)
        return [
            Run(
                pages=tuple(pages[span]),
                question=replace(asked, messages=self._frame.texts(texts[span])),
                most_tokens=room.answer + room.pages - sum(tokens[span]),
            )
            for span in _spans(pages, tokens, room.pages)
        ]

    async def _room(self, question: Question) -> Room:
        empty = self._frame.texts(()) if self._eye is None else self._frame.pictures(())
        size = await self._asking.size(replace(question, messages=empty))
        answer = min(question.max_tokens, max(size.limit // _ANSWER_SHARE, 1))
        return Room(answer, size.limit - size.tokens - answer)

    async def _tokens(self, text: str, question: Question) -> int:
        alone = replace(question, messages=({"role": "user", "content": text},))
        return (await self._asking.size(alone)).tokens + _BETWEEN

    async def _seen(self, page: Page, eye: Eye, question: Question, room: Room) -> Run:
        image = await picture_of(page, eye)
        tokens = eye.tokens(image.size)
        if tokens > room.pages:
            raise too_long(tokens, room.pages, page=page.number)
        messages = self._frame.pictures((image.url,))
        return Run(
            pages=(page,),
            question=replace(question, messages=messages, max_tokens=room.answer),
            most_tokens=room.answer + room.pages - tokens,
            image_tokens=tokens,
        )


def _spans(pages: Sequence[Page], tokens: Sequence[int], room: int) -> Iterator[slice]:
    start, used = 0, 0
    for index, count in enumerate(tokens):
        if count > room:
            raise too_long(count, room, page=pages[index].number)
        if used + count > room:
            yield slice(start, index)
            start, used = index, 0
        used += count
    if start < len(tokens):
        yield slice(start, len(tokens))


async def picture_of(page: Page, eye: Eye) -> ResizedImage:
    """A page's picture as it is sent.

    Raises:
        ImageTooSmall: It is too narrow to be looked at.
    """
    assert page.image is not None
    try:
        return await asyncio.to_thread(resized, page.image, eye)
    except ValueError as error:
        message = f"The page cannot be looked at: {error}."
        raise ImageTooSmall(message, page=page.number) from error


def too_long(actual: int, limit: int, *, page: int | None = None) -> DocumentTooLong:
    """More than the model can be shown."""
    what = "The document" if page is None else f"Page {page}"
    limit = max(limit, 0)
    return DocumentTooLong(
        f"{what} has {actual} tokens; the model can be shown {limit} at once.",
        page=page,
        details={"limit": limit, "actual": actual},
    )
