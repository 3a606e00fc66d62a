"""What a file is, told by its content alone."""

from enum import StrEnum

from medley.reading.errors import UnsupportedMedia

HEAD_BYTES = 4096
"""How much of a file `media_type` wants to see."""


class MediaType(StrEnum):
    """What is read; the values are the registered names."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    TIFF = "image/tiff"
    DICOM = "application/dicom"


_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PDF_WITHIN = 1024  # readers of PDF accept as much before it

# What people hand in by mistake, by how it begins.
_OTHERS = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\0\0\1\0", "an icon"),
    (b"8BPS", "a Photoshop picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"%!PS", "PostScript"),
    (b"{\\rtf", "an RTF text"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"RIFF", "sound or video"),
    (b"OggS", "sound or video"),
    (b"ID3", "sound"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"SQLite format 3", "a database"),
)
_HEIF = (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif")
_OFFICE = ((b"word/", "a Word file"), (b"xl/", "an Excel file"), (b"ppt/", "a PowerPoint file"))


def media_type(head: bytes) -> MediaType:
    """What a file is whose first `HEAD_BYTES` these are.

    Raises:
        UnsupportedMedia: Nothing that is read; it says what it looks like.
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType.PNG
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType.JPEG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType.WEBP
    if head[128:132] == b"DICM":  # before TIFF: a file can be both, and is then no page
        return MediaType.DICOM
    if head.startswith(_TIFF):
        return MediaType.TIFF
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return MediaType.PDF
    raise UnsupportedMedia(
        f"this looks like {_looks_like(head)}; what is read is PDF, PNG, JPEG, WebP, TIFF"
        " and DICOM with a PDF inside"
    )


def _looks_like(head: bytes) -> str:
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        return "a HEIF picture" if head[8:12] in _HEIF else "a video"
    if head.startswith(b"PK\3\4"):
        return next((name for mark, name in _OFFICE if mark in head), "a ZIP archive")
    for mark, name in _OTHERS:
        if head.startswith(mark):
            return name
    return _text(head) or "data of an unknown kind"


def _text(head: bytes) -> str | None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith((b"<?xml", b"<svg")):
        return "XML"
    if start.startswith((b"{", b"[")) and b"\0" not in head:
        return "JSON"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # else a character that was cut in two
            return None
    return None if b"\0" in head else "plain text"
