"""The whole way from a document to an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from medley.pages import Page, PageStatus, Reading
from medley.results import AnalysisOptions, Extraction, ExtractionOptions

from medley_server.extraction.analysis import Analysis, OpenStream, Subject, once
from medley_server.extraction.answer import Answered, Answering
from medley_server.extraction.asking import Asking
from medley_server.extraction.errors import of_document
from medley_server.extraction.image_pages import ImagePages
from medley_server.extraction.own_schema import OwnSchema
from medley_server.extraction.page_accounts import asked, summary, unread
from medley_server.extraction.page_rows import Errand, PageRows
from medley_server.extraction.phases import Phases
from medley_server.extraction.port import Progress, User, unheard
from medley_server.extraction.reader import DocumentReader
from medley_server.extraction.requirements import check_pages, required
from medley_server.extraction.resized_image import Eye
from medley_server.extraction.served_models import Models
from medley_server.extraction.text_pages import TextPages


class Pipeline:
    """Keeps the contract of `Extractor`; one per server."""

    def __init__(
        self,
        reader: DocumentReader,
        asking: Asking,
        models: Models,
        *,
        eye: Eye | None = None,
    ) -> None:
        """Wires the parts.

        Args:
            reader: Documents' bytes to words (`medley.reading.Readers`).
            asking: Puts questions to the engine.
            models: Says which version answers.
            eye: How the base looks at pictures (`Eye.of_base`); None for text bases.
        """
        self._reader = reader
        self._models = models
        self._eye = eye
        self._pages = TextPages(asking) if eye is None else ImagePages(asking, eye)
        self._own = OwnSchema(asking, eye)
        self._analysis = Analysis(asking, eye)
        self._answering = Answering()

    async def check(self, options: ExtractionOptions | AnalysisOptions, caller: User) -> None:
        """See `Extractor.check`."""
        if isinstance(options, ExtractionOptions):
            required(options)
        check_pages(options.pages)
        await self._models.check(options.adapter, caller)

    async def extract(
        self,
        document: Path,
        options: ExtractionOptions,
        *,
        request_id: str,
        caller: str = "",
        progress: Progress = unheard,
    ) -> Extraction:
        """See `Extractor.extract`."""
        wanted = required(options)
        phases = Phases()
        pinned = self._models.pinned(options.adapter, key=caller, request_id=request_id)
        async with pinned as model:
            with phases.timed("read"):
                reading = await self._read(document, options.pages)
            pages = asked(reading)
            legible = self._legible(pages)
            errand = Errand(
                pages=legible,
                sha256=reading.sha256,
                model=model,
                options=options,
                phases=phases,
                progress=progress,
                already_done=len(pages) - len(legible),
            )
            answered = Answered(errand=errand, reading=reading, request_id=request_id)
            if wanted.schema is None:
                rows = await self._pages.rows(errand) if legible else PageRows()
                rows.refuse_if_nothing()
                return await asyncio.to_thread(self._answering.record, answered, rows)
            given = options.json_schema
            assert given is not None
            data = await self._own.data(errand, given, wanted.schema)
            return await asyncio.to_thread(self._answering.data, answered, data)

    async def analyze(
        self,
        document: Path,
        options: AnalysisOptions,
        *,
        request_id: str,
        caller: str = "",
        most_tokens: int | None = None,
    ) -> AsyncIterator[bytes]:
        """See `Extractor.analyze`."""
        async with AsyncExitStack() as stack:
            pinned = self._models.pinned(options.adapter, key=caller, request_id=request_id)
            model = await stack.enter_async_context(pinned)
            reading = await self._read(document, options.pages)
            pages = asked(reading)
            subject = Subject(
                pages=self._legible(pages),
                sha256=reading.sha256,
                model=model,
                account=_account(reading, pages),
            )
            question = await self._analysis.question(subject, options, most_tokens)
            if not options.stream:
                return once(await self._analysis.whole(subject, question, request_id))
            events = self._analysis.events(subject, question, request_id)
            return await OpenStream.begun(events, stack.pop_all())
        raise AssertionError("the stack hides no error")

    async def _read(self, document: Path, pages: str | None) -> Reading:
        from medley.reading import Wanted
        from medley.reading.errors import DocumentError

        eye = self._eye
        wanted = None if eye is None else Wanted(images=True, image_pixels=eye.most_pixels)
        try:
            return await self._reader.read(document, pages=pages, wanted=wanted)
        except DocumentError as error:
            raise of_document(error) from error

    def _legible(self, pages: tuple[Page, ...]) -> tuple[Page, ...]:
        """What there is to ask about; a picture may be legible where OCR found nothing."""
        if self._eye is None:
            return tuple(page for page in pages if page.status is PageStatus.READ)
        seen = (PageStatus.READ, PageStatus.UNREADABLE)
        return tuple(page for page in pages if page.status in seen and page.image)


def _account(reading: Reading, pages: tuple[Page, ...]) -> dict[str, Any]:
    document = summary(reading, "unknown", None)
    return {
        "pages_in": document.pages_in,
        "pages_processed": document.pages_processed,
        "warnings": [warning.model_dump() for warning in unread(pages)],
    }
