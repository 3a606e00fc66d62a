"""A JSON body with a document in it, on its way to a folder: the document is decoded as it comes.

Only the rest of the body is ever held in memory.
"""

import json
import re
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from medley_server.errors import BadRequest
from medley_server.extraction.errors import InvalidRequest
from medley_server.sent_base64 import Base64Sink

REST_LIMIT_BYTES = 1 << 20

_STRUCTURE = re.compile(rb'["{}\[\]:,]')
_END_OF_TEXT = re.compile(rb'["\\]')
_QUOTE = re.compile(rb'"')


class _Where(Enum):
    OUTSIDE = auto()
    TEXT = auto()
    ESCAPE = auto()
    DOCUMENT = auto()


class JsonFolder:
    """Takes an object in, piece by piece; a context manager, which closes the file.

    Attributes:
        fields: All members but the document; complete after `finish`.
    """

    def __init__(self, path: Path, *, member: str, limit_bytes: int) -> None:
        """Takes one object; its member of that name goes to `path`, decoded."""
        self.fields: dict[str, Any] = {}
        self._path = path
        self._member = member
        self._limit = limit_bytes
        self._rest = bytearray()
        self._key = bytearray()
        self._where = _Where.OUTSIDE
        self._depth = 0
        self._is_value = False
        self._sink: Base64Sink | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("xb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, piece: bytes) -> None:
        """Takes the next piece of the body.

        Raises:
            ServerError: it cannot be taken.
        """
        start = 0
        while start < len(piece):
            start = self._step(piece, start)
            if len(self._rest) > REST_LIMIT_BYTES:
                raise InvalidRequest(
                    f"The members beside `{self._member}` are longer than {REST_LIMIT_BYTES} bytes."
                )

    def finish(self) -> None:
        """Says that there was no more.

        Raises:
            BadRequest: it is no JSON object.
            InvalidRequest: it holds no document.
        """
        self._file.close()
        try:
            fields = json.loads(self._rest, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise BadRequest("The body is not JSON.") from error
        if not isinstance(fields, dict):
            raise BadRequest("The body must be a JSON object.")
        if fields.pop(self._member, None) != "" or self._sink is None:
            raise InvalidRequest(f"`{self._member}` must be base64 text.", about=self._member)
        self._sink.finish()
        self.fields = fields

    def _step(self, piece: bytes, start: int) -> int:
        """Goes on to the next place where something changes."""
        match self._where:
            case _Where.OUTSIDE:
                return self._outside(piece, start)
            case _Where.DOCUMENT:
                return self._document(piece, start)
            case _Where.ESCAPE:
                self._keep(piece[start : start + 1])
                self._where = _Where.TEXT
                return start + 1
            case _Where.TEXT:
                return self._in_text(piece, start)

    def _outside(self, piece: bytes, start: int) -> int:
        found = _STRUCTURE.search(piece, start)
        end = found.end() if found else len(piece)
        self._rest += piece[start:end]
        match found.group() if found else None:
            case b'"':
                self._begin_text()
            case b"{" | b"[":
                self._depth += 1
            case b"}" | b"]":
                self._depth -= 1
            case b":" if self._depth == 1:
                self._is_value = True
            case b"," if self._depth == 1:
                self._is_value = False
        return end

    def _begin_text(self) -> None:
        is_top = self._depth == 1
        if is_top and self._is_value and self._key == self._member.encode():
            if self._sink is not None:
                raise BadRequest(f"`{self._member}` stands there twice.")
            self._sink = Base64Sink(self._file, limit_bytes=self._limit)
            self._where = _Where.DOCUMENT
            return
        if is_top and not self._is_value:
            self._key.clear()
        self._where = _Where.TEXT

    def _document(self, piece: bytes, start: int) -> int:
        assert self._sink is not None
        found = _QUOTE.search(piece, start)
        self._sink.write(piece[start : found.start() if found else len(piece)])
        if not found:
            return len(piece)
        self._rest += b'"'
        self._where = _Where.OUTSIDE
        return found.end()

    def _in_text(self, piece: bytes, start: int) -> int:
        found = _END_OF_TEXT.search(piece, start)
        self._keep(piece[start : found.start() if found else len(piece)])
        if not found:
            return len(piece)
        if found.group() == b'"':
            self._rest += b'"'
            self._where = _Where.OUTSIDE
        else:
            self._keep(b"\\")
            self._where = _Where.ESCAPE
        return found.end()

    def _keep(self, text: bytes) -> None:
        self._rest += text
        if self._depth == 1 and not self._is_value:
            self._key += text


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
