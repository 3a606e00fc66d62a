"""Files are told by their content."""

from collections.abc import Mapping

import pytest
from medley.reading import MediaType, UnsupportedMedia, media_type

from tests.fuzz.document_files import dicom_of
from tests.unit.clients.reading.specimens import picture, saved, text_pdf

_STRANGERS: Mapping[bytes, str] = {
    b"": "an empty file",
    b"PK\3\4" + bytes(26) + b"word/document.xml": "a Word file",
    b"PK\3\4": "a ZIP archive",
    b"<!DOCTYPE html><html>": "an HTML page",
    b"GIF89a": "a GIF picture",
    b"\0\0\0\x18ftypheic": "a HEIF picture",
    b"\0\0\0\x18ftypisom": "a video",
    b"Potassium 5.9": "plain text",
    "Kalium erhöht".encode(): "plain text",
    b'{"a": 1}': "JSON",
    b"\x80\x81\x82\0\1": "data of an unknown kind",
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_pictures_are_known_by_their_bytes(kind: str) -> None:
    assert media_type(saved(picture(), kind)) is MediaType[kind]


def test_pdf_is_known_also_behind_other_bytes() -> None:
    assert media_type(text_pdf()) is MediaType.PDF
    assert media_type(b"\r\n" * 100 + text_pdf()) is MediaType.PDF


def test_dicom_is_known_by_its_mark() -> None:
    assert media_type(dicom_of(b"%PDF-")) is MediaType.DICOM


@pytest.mark.parametrize(("head", "name"), _STRANGERS.items())
def test_anything_else_is_named(head: bytes, name: str) -> None:
    with pytest.raises(UnsupportedMedia, match=name) as caught:
        media_type(head)
    assert caught.value.code == "unsupported_media_type"
