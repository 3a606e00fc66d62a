"""Adapters on their way in: forms that are larger than memory, each in a folder of its own."""

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medley_registry.admission import (
    CONFIG_FILE,
    GOLDEN_FILE,
    README_FILE,
    SIZE_LIMITS,
    WEIGHTS_FILE,
)
from medley_registry.durable import disk_errors
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from medley_server.errors import BodyTooLarge, UploadsBusy
from medley_server.incoming import pieces
from medley_server.multipart import FormFolder

MOST_AT_ONCE = 4
"""Uploads that may come in at a time; each holds disk and a thread."""

PATIENCE_S = 60.0
"""How long an upload may send nothing."""

_PARTS = {
    "config": CONFIG_FILE,
    "weights": WEIGHTS_FILE,
    "readme": README_FILE,
    "golden": GOLDEN_FILE,
}
FILES = {part: (name, SIZE_LIMITS[name]) for part, name in _PARTS.items()}
LIMIT_BYTES = sum(SIZE_LIMITS.values()) + (4 << 20)
"""Longest form; each of its parts has a limit of its own."""

_LEFT_BEHIND_S = 86_400


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that has come in whole; the folder goes when the request has been answered."""

    folder: Path
    fields: dict[str, str]


class Uploads:
    """Takes forms in, a few at a time."""

    def __init__(self, folder: Path) -> None:
        """Uses a folder, which need not be there yet."""
        self._folder = folder
        self._count = 0

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Submission]:
        """The form that a request sends.

        Raises:
            BadRequest, BodyTooLarge, UploadTooSlow: it cannot be taken.
            UploadsBusy: there are as many as there may be.
            Unavailable: the disk does not take it.
        """
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > LIMIT_BYTES:
            raise BodyTooLarge(f"The body is longer than {LIMIT_BYTES} bytes.")
        if self._count >= MOST_AT_ONCE:
            raise UploadsBusy("Too many uploads are coming in; try again.")
        self._count += 1
        try:
            folder = await run_in_threadpool(self._make_folder)
            try:
                yield Submission(folder, await _take_in(request, folder))
            finally:
                await run_in_threadpool(partial(shutil.rmtree, folder, ignore_errors=True))
        finally:
            self._count -= 1

    def _make_folder(self) -> Path:
        """A private one; what servers that were killed left behind goes first."""
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            for left in self._folder.iterdir():
                with suppress(FileNotFoundError):  # another server here has been quicker
                    if left.stat().st_mtime < time.time() - _LEFT_BEHIND_S:
                        shutil.rmtree(left, ignore_errors=True)
            return Path(tempfile.mkdtemp(dir=self._folder))


async def _take_in(request: Request, folder: Path) -> dict[str, str]:
    content_type = request.headers.get("content-type", "")
    with FormFolder(folder, content_type=content_type, files=FILES) as form:
        async for piece in pieces(request, limit_bytes=LIMIT_BYTES, patience_s=PATIENCE_S):
            await run_in_threadpool(_write, form, piece, folder)
        form.finish()
    return form.fields


def _write(form: FormFolder, piece: bytes, folder: Path) -> None:
    with disk_errors(folder):
        form.write(piece)
