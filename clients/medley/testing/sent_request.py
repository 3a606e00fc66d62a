"""What a client sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request.

    Attributes:
        method: of HTTP.
        path: without the query.
        query: what followed it.
        body: read as JSON where it is JSON, else as it came.
        headers: their names in lower case.
        fields: of a form, by name.
        files: a form's files by the names of their parts.
    """

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, request: "httpx.Request") -> "SentRequest":
        """Read what httpx would send."""
        body: Any = request.read()
        kind = request.headers.get("content-type", "")
        parts = _parts(kind, body) if kind.startswith("multipart/form-data") else []
        if kind == "application/json":
            body = json.loads(body)
        return cls(
            request.method,
            request.url.path,
            dict(request.url.params),
            body,
            headers=dict(request.headers),
            fields={_name(part): _bytes(part).decode() for part in parts if not _is_file(part)},
            files={_name(part): _bytes(part) for part in parts if _is_file(part)},
        )


def _parts(kind: str, body: bytes) -> list[Message]:
    whole = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    return [part for part in whole.walk() if not part.is_multipart()]


def _name(part: Message) -> str:
    return str(part.get_param("name", "", header="content-disposition"))


def _is_file(part: Message) -> bool:
    return part.get_filename() is not None


def _bytes(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content
