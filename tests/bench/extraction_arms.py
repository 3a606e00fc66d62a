"""What is measured: a running server's versions, and rules behind the same reading of pages.

The rules stand in the place of the model in the server's own pipeline, so that reading, segments,
grounding and normal forms are the same for both, and only what is said of a segment differs.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from medley import AsyncClient
from medley.errors import Refusal
from medley.reading import Readers
from medley.results import Extraction, ExtractionOptions, ServedModel
from medley_server.extraction.asking import Asking
from medley_server.extraction.errors import ExtractionError
from medley_server.extraction.pipeline import Pipeline
from medley_server.extraction.port import User
from medley_server.extraction.question import Completion, Pinned, Question, Size

from tests.bench.extraction_rules import rows_of_segment

RULES = "rules"
_DEADLINE_S = 900.0
_ROOM = 1 << 20


class Failed(Exception):
    """A document was refused or not answered; has the server's `code`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Arm(Protocol):
    """Something that extracts."""

    async def extract(self, path: Path) -> Extraction:
        """What a document says.

        Raises:
            Failed: For good; a lost connection is raised as it is.
        """
        ...


class ServerArm:
    """One reference on a running server."""

    def __init__(self, client: AsyncClient, reference: str) -> None:
        self._client = client
        self._reference = reference

    async def extract(self, path: Path) -> Extraction:
        """See `Arm.extract`."""
        try:
            return await self._client.extract(path, adapter=self._reference, timeout_s=_DEADLINE_S)
        except Refusal as error:
            raise Failed(error.code, str(error)) from error


class RulesArm:
    """The server's pipeline with rules for a model."""

    def __init__(self, readers: Readers) -> None:
        self._pipeline = Pipeline(readers, Asking(_Rules()), _OneModel())

    async def extract(self, path: Path) -> Extraction:
        """See `Arm.extract`."""
        try:
            return await self._pipeline.extract(path, ExtractionOptions(), request_id=path.stem)
        except ExtractionError as error:
            raise Failed(str(error.code), str(error)) from error


class _Rules:
    """Keeps the contract of `Completer`; is no more sure of one value than of another."""

    async def complete(self, question: Question) -> Completion:
        prompt = str(question.messages[-1]["content"])
        heading, _, text = prompt.removeprefix("[").partition("] ")
        said = json.dumps(rows_of_segment(heading, text), ensure_ascii=False, separators=(",", ":"))
        return Completion(text=said, is_whole=True)

    def stream(self, question: Question) -> AsyncIterator[bytes]:
        raise NotImplementedError("rules give no free text")

    async def size(self, question: Question) -> Size:
        return Size(len(str(question.messages)), _ROOM)


class _OneModel:
    async def check(self, reference: str | None, caller: User) -> None:
        """Everybody may."""

    @asynccontextmanager
    async def pinned(
        self, reference: str | None, *, key: str = "", request_id: str = ""
    ) -> AsyncIterator[Pinned]:
        yield Pinned(engine_name=RULES, reference=RULES, served=ServedModel(base=RULES))


async def answered(arm: Arm, path: Path) -> dict[str, Any]:
    """What became of one document, as a line to be kept."""
    began = time.perf_counter()
    try:
        extraction = await arm.extract(path)
    except Failed as error:
        line: dict[str, Any] = {"error": {"code": error.code, "message": str(error)}}
    else:
        line = {"extraction": extraction.model_dump(mode="json", exclude_defaults=True)}
    return line | {"took_s": round(time.perf_counter() - began, 3)}
