"""Base64 on its way to a file: as it stands in a JSON string, perhaps as a data URL."""

import binascii
import re
from typing import BinaryIO

from medley_server.extraction.errors import FileTooLarge, InvalidRequest

_LONGEST_PREFIX = 256
_LONGEST_ESCAPE = 6
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9a-fA-F])|(/)|([nrt]))")
_BLANK = b" \t\r\n"


class Base64Sink:
    """Decodes piece by piece, so that no more than a piece is held."""

    def __init__(self, to: BinaryIO, *, limit_bytes: int) -> None:
        """Writes to `to`, up to a limit."""
        self._to = to
        self._limit = limit_bytes
        self._size = 0
        self._raw = b""
        self._text = b""
        self._is_begun = False
        self._has_ended = False

    def write(self, piece: bytes) -> None:
        """Takes more of the string, with JSON's escapes.

        Raises:
            InvalidRequest: it is no base64.
            FileTooLarge: what it encodes is longer than the limit.
        """
        raw = self._raw + piece
        held = raw.rfind(b"\\", max(0, len(raw) - _LONGEST_ESCAPE + 1))
        cut = held if held >= 0 and not _ESCAPE.match(raw, held) else len(raw)
        self._raw = raw[cut:]
        self._take(_unescaped(raw[:cut]))

    def finish(self) -> None:
        """Says that there was no more.

        Raises:
            InvalidRequest: it breaks off.
        """
        if self._raw or self._text.strip(_BLANK):
            raise _not_base64()

    def _take(self, text: bytes) -> None:
        self._text += text.translate(None, _BLANK)
        if not self._is_begun and not self._is_past_prefix():
            return
        whole = len(self._text) // 4 * 4
        now, self._text = self._text[:whole], self._text[whole:]
        if not now:
            return
        if self._has_ended:
            raise _not_base64()
        try:
            data = binascii.a2b_base64(now, strict_mode=True)
        except binascii.Error as error:
            raise _not_base64() from error
        self._has_ended = now.endswith(b"=")
        self._size += len(data)
        if self._size > self._limit:
            raise too_large(self._limit, self._size)
        self._to.write(data)

    def _is_past_prefix(self) -> bool:
        """Whether it is known how the text begins; a data URL's head is taken off."""
        start = b"data:"
        if self._text[: len(start)] != start[: len(self._text)]:
            self._is_begun = True
        elif b"," in self._text:
            head, _, self._text = self._text.partition(b",")
            if not head.endswith(b";base64"):
                raise _not_base64()
            self._is_begun = True
        elif len(self._text) > _LONGEST_PREFIX:
            raise _not_base64()
        return self._is_begun


def too_large(limit: int, actual: int) -> FileTooLarge:
    """The refusal of a document, with both numbers."""
    return FileTooLarge(
        f"The document has {actual} bytes or more; the limit is {limit}.",
        details={"limit": limit, "actual": actual},
    )


def _not_base64() -> InvalidRequest:
    return InvalidRequest("`file` must be base64 or a data URL with base64.", about="file")


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text

    def plain(found: re.Match[bytes]) -> bytes:
        code, slash, _ = found.groups()
        if code is not None:
            return bytes([int(code, 16)])
        return slash or b" "

    return _ESCAPE.sub(plain, text)
