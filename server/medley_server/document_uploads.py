"""Documents on their way in: each body goes to a private folder while it comes, whatever its form.

What is left in the folder when a server dies is cleared by the next one there.
"""

import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from medley_server.document_errors import storage_errors
from medley_server.errors import BodyTooLarge, UploadsBusy
from medley_server.extraction.errors import InvalidRequest, UnsupportedMediaType
from medley_server.incoming import pieces
from medley_server.json_folder import REST_LIMIT_BYTES, JsonFolder
from medley_server.multipart import FormFolder
from medley_server.sent_base64 import too_large

MOST_AT_ONCE = 256
"""Documents that may come in at a time; each holds disk and a piece of memory."""

PATIENCE_S = 30.0
"""How long an upload may send nothing."""

LONGEST_S = 300.0
"""How long an upload may take."""

PART = "file"
REPEATED = frozenset({"outputs"})

_PIECE_BYTES = 128 << 10
_DIGITS = 20
_FRAMING_BYTES = 2 * REST_LIMIT_BYTES
"""What a body may have beside the document."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that has come in whole.

    Attributes:
        document: The file, which whoever wants to keep it moves away.
        sha256: Of its bytes, in hex.
        fields: Everything else: texts if it was a form, any values if it was JSON.
        is_form: Which of the two it was.
    """

    document: Path
    sha256: str
    fields: Mapping[str, Any]
    is_form: bool


class DocumentUploads:
    """Takes documents in."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        """Uses a folder that is there, and that others cannot look into."""
        self._folder = folder
        self._limit = limit_bytes
        self._count = 0

    @asynccontextmanager
    async def receive(self, request: Request) -> AsyncIterator[Sent]:
        """The document that a request sends; its folder goes on leaving.

        Raises:
            ServerError: it cannot be taken.
        """
        if self._count >= MOST_AT_ONCE:
            raise UploadsBusy("Too many documents are coming in; try again.")
        self._count += 1
        try:
            folder = await run_in_threadpool(self._make_folder)
            try:
                yield await self._take_in(request, folder)
            finally:
                await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        finally:
            self._count -= 1

    def _make_folder(self) -> Path:
        with storage_errors():
            return Path(tempfile.mkdtemp(dir=self._folder))

    async def _take_in(self, request: Request, folder: Path) -> Sent:
        kind = request.headers.get("content-type", "")
        is_form = _kind(kind) == "multipart/form-data"
        if not is_form and _kind(kind) != "application/json":
            raise UnsupportedMediaType(
                "Send multipart/form-data with the part `file`, or application/json with `file` "
                "in base64.",
                about="content-type",
            )
        path = folder / PART
        taker = self._form(folder, kind) if is_form else self._json(path)
        most = self._limit if is_form else self._limit // 3 * 4 + 4
        await self._write(request, taker, most_bytes=most + _FRAMING_BYTES, is_form=is_form)
        if not path.exists():
            raise InvalidRequest(f"The part `{PART}` is missing.", about=PART)
        digest = await run_in_threadpool(_sha256, path)
        return Sent(path, digest, taker.fields, is_form)

    def _form(self, folder: Path, content_type: str) -> FormFolder:
        files = {PART: (PART, self._limit)}
        return FormFolder(folder, content_type=content_type, files=files, repeated=REPEATED)

    def _json(self, path: Path) -> JsonFolder:
        return JsonFolder(path, member=PART, limit_bytes=self._limit)

    async def _write(
        self, request: Request, taker: FormFolder | JsonFolder, *, most_bytes: int, is_form: bool
    ) -> None:
        announced = request.headers.get("content-length", "")
        length = int(announced) if announced.isdecimal() and len(announced) < _DIGITS else 0
        if length > most_bytes:
            raise too_large(self._limit, length if is_form else length // 4 * 3)
        seen = 0
        incoming = pieces(
            request,
            limit_bytes=most_bytes,
            patience_s=PATIENCE_S,
            longest_s=LONGEST_S,
            piece_bytes=_PIECE_BYTES,
        )
        try:
            with storage_errors(), taker:
                async for piece in incoming:
                    seen += len(piece)
                    await run_in_threadpool(taker.write, piece)
                await run_in_threadpool(taker.finish)
        except BodyTooLarge as error:
            if max(length, seen) <= self._limit:  # so it was another part than the document
                raise InvalidRequest(str(error)) from error
            raise too_large(self._limit, max(length, seen)) from error


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _sha256(path: Path) -> str:
    with storage_errors(), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
