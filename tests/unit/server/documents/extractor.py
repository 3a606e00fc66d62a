"""A little extractor that truly reads: every line of a plain document is a page with one result."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from medley.results import (
    AnalysisOptions,
    DocumentSummary,
    Extraction,
    ExtractionOptions,
    ExtractionStatus,
    Found,
    FoundLab,
    FoundRecord,
    Match,
    PageSummary,
    ServedModel,
)
from medley_server.extraction.port import Progress, User, unheard
from medley_server.limits.paying import PAYER


class LineExtractor:
    """Reads `NAME VALUE` lines, waiting before each page until `gate` is open.

    Attributes:
        began: Documents that it was given.
        refusal: What it raises before it is given a document.
        cancelled: Those that it was stopped at.
        running: How many it works on.
        most: How many it worked on at a time at most.
        failure: What it raises instead of an answer.
        break_off: What it raises in the middle of a stream.
        cost: Tokens that a document takes of the quota of whoever sent it.
        bounds: Of answers to prompts: the prompt's own, and the key's.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.working = asyncio.Event()
        self.began = 0
        self.callers: list[str] = []
        self.refusal: Exception | None = None
        self.cancelled = 0
        self.running = 0
        self.most = 0
        self.failure: Exception | None = None
        self.break_off: Exception | None = None
        self.cost = 0
        self.bounds: list[tuple[int | None, int | None]] = []

    async def check(self, options: ExtractionOptions | AnalysisOptions, caller: User) -> None:
        if self.refusal is not None:
            raise self.refusal
        if options.adapter is not None:
            caller.require_use(options.adapter)

    async def extract(
        self,
        document: Path,
        options: ExtractionOptions,
        *,
        request_id: str,
        caller: str = "",
        progress: Progress = unheard,
    ) -> Extraction:
        self.began += 1
        self.callers.append(caller)
        self.running += 1
        self.most = max(self.most, self.running)
        self.working.set()
        try:
            return await self._read(document, request_id, progress)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def _read(self, document: Path, request_id: str, progress: Progress) -> Extraction:
        data = document.read_bytes()
        lines = data.decode().splitlines()
        labs = []
        for n, line in enumerate(lines, 1):
            await self.gate.wait()
            name, value = line.split()
            labs.append(FoundLab(name=_found(name, n), value=_found(value, n)))
            progress(n, len(lines))
        PAYER.get()(self.cost)
        if self.failure is not None:
            raise self.failure
        return Extraction(
            id=f"ext_{request_id}",
            status=ExtractionStatus.SUCCEEDED,
            document=DocumentSummary(
                type="lab_panel",
                media_type="text/plain",
                sha256=hashlib.sha256(data).hexdigest(),
                pages_in=len(lines),
                pages_processed=len(lines),
                pages=tuple(PageSummary(n=n, status="read") for n in range(1, len(lines) + 1)),
            ),
            record=FoundRecord(labs=tuple(labs)),
            model=ServedModel(base="tiny"),
        )

    async def analyze(
        self,
        document: Path,
        options: AnalysisOptions,
        *,
        request_id: str,
        caller: str = "",
        most_tokens: int | None = None,
    ) -> AsyncIterator[bytes]:
        self.began += 1
        self.callers.append(caller)
        self.bounds.append((options.max_tokens, most_tokens))
        if self.failure is not None:
            raise self.failure
        return self._say(document.read_text().split(), options)

    async def _say(self, words: list[str], options: AnalysisOptions) -> AsyncIterator[bytes]:
        try:
            if not options.stream:
                await self.gate.wait()
                yield b'{"choices": [{"message": {"content": "%s"}}]}' % " ".join(words).encode()
                return
            for word in words:
                yield f"data: {word}\n\n".encode()
                self.working.set()
                await self.gate.wait()
                if self.break_off is not None:
                    raise self.break_off
            yield b"data: [DONE]\n\n"
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


def _found(text: str, page: int) -> Found:
    return Found(value=text, text=text, page=page, match=Match.EXACT)
