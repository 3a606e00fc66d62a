"""A multipart form (RFC 7578) on its way to a folder: files are written as they come in."""

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from medley_server.errors import BadRequest, BodyTooLarge

FIELD_LIMIT_BYTES = 512 << 10
FIELDS_LIMIT_BYTES = 4 * FIELD_LIMIT_BYTES
"""All fields together; each part costs some of it, so that there are not too many either."""

_PART_BYTES = 1 << 10


class FormFolder:
    """Takes a form in, piece by piece: files go to a folder, other fields to memory.

    A context manager, which closes the files. What a sender calls his files is not read.

    Attributes:
        fields: each field's text, by name; complete after `finish`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        content_type: str,
        files: Mapping[str, tuple[str, int]],
        repeated: Collection[str] = (),
    ) -> None:
        """Takes one form.

        Args:
            folder: takes the files; empty.
            content_type: the request's, which tells the boundary.
            files: part name -> name in the folder, and the most bytes it may have.
            repeated: fields that may come several times; their texts are joined by commas.

        Raises:
            BadRequest: the content is no multipart form.
        """
        self.fields: dict[str, str] = {}
        self._folder = folder
        self._files = files
        self._repeated = repeated
        self._taken: set[str] = set()
        self._open = ExitStack()
        self._disposition = bytearray()
        self._header = bytearray()
        self._is_complete = False
        self._name = ""
        self._left = 0
        self._fields_left = FIELDS_LIMIT_BYTES
        self._text = bytearray()
        self._file: BinaryIO | None = None
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadRequest("The body must be multipart/form-data.")
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._disposition.clear,
                    "on_header_begin": self._header.clear,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise BadRequest(f"The form cannot be read: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def write(self, piece: bytes) -> None:
        """Takes the next piece of the body.

        Raises:
            BadRequest: it is no form, or has a part twice.
            BodyTooLarge: a part is larger than it may be.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise BadRequest(f"The form cannot be read: {error}.") from error

    def finish(self) -> None:
        """Says that there was no more.

        Raises:
            BadRequest: the form was not complete.
        """
        if not self._is_complete:
            raise BadRequest("The form ends before its last boundary.")
        self._open.close()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(bytes(self._disposition))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if not name or (name in self._taken and name not in self._repeated):
            raise BadRequest(f"A part of the form has no name, or one that was there: {name!a}.")
        self._taken.add(name)
        self._name = name
        self._spend(_PART_BYTES)
        if name in self._files:
            path, self._left = self._files[name]
            self._file = self._open.enter_context((self._folder / path).open("xb"))
        else:
            self._left = FIELD_LIMIT_BYTES

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._left -= end - start
        if self._left < 0:
            raise BodyTooLarge(f"The part {self._name!a} of the form is longer than it may be.")
        if self._file is not None:
            self._file.write(memoryview(data)[start:end])
        else:
            self._spend(end - start)
            self._text += data[start:end]

    def _spend(self, count: int) -> None:
        self._fields_left -= count
        if self._fields_left < 0:
            raise BodyTooLarge("The form has too many fields, or too long ones.")

    def _on_part_end(self) -> None:
        if self._file is None:
            try:
                text = self._text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise BadRequest(f"The field {self._name!a} is not UTF-8.") from error
            before = self.fields.get(self._name)
            self.fields[self._name] = text if before is None else f"{before},{text}"
        self._file = None
        self._text.clear()

    def _on_end(self) -> None:
        self._is_complete = True
