"""Documents made to do damage, or to be taken for what they are not."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache

from tests.fuzz.document_files import (
    chunk,
    good_documents,
    huge_jpeg,
    page_pdf,
    pdf,
    png_header,
    stream,
    tiff,
)


def bombs() -> Iterator[tuple[str, bytes]]:
    """All of them, with names."""
    yield from _bombs()
    yield from _knots()
    yield from _strangers()
    yield from _polyglots()


@cache
def _zeros(count: int, *, levels: int = 1) -> bytes:
    packer = zlib.compressobj(9)
    chunk = bytes(1 << 20)
    out = b"".join(packer.compress(chunk) for _ in range(count >> 20)) + packer.flush()
    for _ in range(levels - 1):
        out = zlib.compress(out, 9)
    return out


def _bombs() -> Iterator[tuple[str, bytes]]:
    flate, twice = b"/Filter/FlateDecode", b"/Filter[/FlateDecode/FlateDecode]"
    yield "png bomb", png_header(60_000, 60_000) + chunk(b"IDAT", _zeros(450 << 20))
    yield "png of no end", png_header(2**31 - 1, 2**31 - 1)
    yield (
        "png with a text bomb",
        (png_header(100, 100) + chunk(b"zTXt", b"a\0\0" + _zeros(256 << 20)) + chunk(b"IEND", b"")),
    )
    yield "jpeg with a huge header", huge_jpeg()
    yield "tiff bomb", tiff(
        [(256, 4, 1, 60_000), (257, 4, 1, 60_000), (258, 3, 1, 8), (259, 3, 1, 8),
         (262, 3, 1, 1), (273, 4, 1, 200), (278, 4, 1, 60_000), (279, 4, 1, 1000)],
        data=bytes(100) + _zeros(1 << 20),
    )  # fmt: skip
    yield (
        "webp of the largest size",
        (b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\xff\xff" * 2),
    )
    yield "pdf bomb", page_pdf(stream(_zeros(1 << 30), flate))
    yield "pdf bomb, packed twice", page_pdf(stream(_zeros(1 << 30, levels=2), twice))
    yield "pdf bomb without an end", page_pdf(stream(_zeros(1 << 30), flate))[:-100_000]
    yield "pdf of a huge page", page_pdf(stream(b""), box=b"[0 0 1000000 1000000]")
    yield "pdf of a page without size", page_pdf(stream(b""), box=b"[0 0 0 0]")
    yield "pdf of a page as thin as a hair", page_pdf(stream(b""), box=b"[0 0 14400 0.1]")
    yield (
        "pdf with a huge picture",
        page_pdf(
            stream(b"q 612 0 0 792 0 0 cm /I Do Q"),
            resources=b"/XObject<</I 5 0 R>>",
            more=[
                stream(
                    _zeros(1 << 20),
                    flate + b"/Type/XObject/Subtype/Image/Width 60000/Height 60000"
                    b"/ColorSpace/DeviceGray/BitsPerComponent 8",
                )
            ],
        ),
    )
    yield (
        "pdf that says it has a billion pages",
        pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 1000000000>>"]),
    )
    yield (
        "pdf of many pages",
        pdf(
            [
                b"<</Type/Catalog/Pages 2 0 R>>",
                b"<</Type/Pages/Kids[%b]/Count 20000>>" % (b"3 0 R " * 20_000),
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>",
            ]
        ),
    )
    yield (
        "pdf of a million lines",
        page_pdf(stream(zlib.compress(b"0 0 m 600 700 l S " * 1_000_000), flate)),
    )
    yield (
        "pdf of a million letters",
        page_pdf(
            stream(zlib.compress(b"BT /F 9 Tf (" + b"a " * 500_000 + b") Tj ET"), flate),
            resources=b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>",
        ),
    )


def _knots() -> Iterator[tuple[str, bytes]]:
    yield (
        "pdf whose pages hold themselves",
        pdf([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]),
    )
    yield (
        "pdf whose form draws itself",
        page_pdf(
            stream(b"/X Do"),
            resources=b"/XObject<</X 5 0 R>>",
            more=[
                stream(
                    b"/X Do /X Do",
                    b"/Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X 5 0 R>>>>",
                )
            ],
        ),
    )
    yield (
        "pdf of forms in forms",
        page_pdf(
            stream(b"/X Do"),
            resources=b"/XObject<</X 5 0 R>>",
            more=[_form(number) for number in range(6, 18)] + [stream(b"0 0 1 1 re f")],
        ),
    )
    yield "pdf of ten thousand brackets", page_pdf(stream(b"[" * 100_000))
    yield "pdf of nested objects", pdf([b"[" * 50_000 + b"]" * 50_000, b"<</A 1 0 R>>"], root=2)
    yield (
        "pdf whose table points at itself",
        (b"%PDF-1.7\nxref\n0 0\ntrailer\n<</Prev 9/Root 1 0 R/Size 1>>\nstartxref\n9\n%%EOF"),
    )
    yield "tiff that goes round", tiff(_small_tiff(), then=8)
    yield "tiff of many directories", _many_directories(20_000)
    yield "tiff of no picture", tiff([])
    yield "tiff whose strips are elsewhere", tiff(_small_tiff(strips=2**32 - 1))
    yield "tiff that counts to four billion", tiff([*_small_tiff(), (700, 1, 2**32 - 1, 8)])


def _form(following: int) -> bytes:
    """A form that draws the next one ten times: a dozen of these are a million million."""
    return stream(
        b"/X Do " * 10,
        b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</X %d 0 R>>>>"
        % following,
    )


def _small_tiff(*, strips: int = 8) -> list[tuple[int, int, int, int]]:
    return [
        (256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (259, 3, 1, 1),
        (262, 3, 1, 1), (273, 4, 1, strips), (278, 4, 1, 64), (279, 4, 1, 4096),
    ]  # fmt: skip


def _many_directories(count: int) -> bytes:
    entries = _small_tiff()
    size = 2 + 12 * len(entries) + 4
    body = struct.pack("<H", len(entries))
    body += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    out = bytearray(struct.pack("<2sHI", b"II", 42, 8))
    for number in range(1, count + 1):
        out += body + struct.pack("<I", 8 + size * number if number < count else 0)
    return bytes(out)


def _strangers() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "one byte", b"%"
    yield "zeros", bytes(10_000)
    yield "text", b"Potassium 5.9 mmol/L\n" * 100
    yield "html", b"<!DOCTYPE html><html><body>5.9</body></html>"
    yield "json", b'{"potassium": 5.9}'
    yield "xml", b"<?xml version='1.0'?><ClinicalDocument/>"
    yield "rtf", b"{\\rtf1 Potassium}"
    yield "zip", b"PK\3\4" + bytes(100)
    yield "word", b"PK\3\4" + bytes(26) + b"word/document.xml" + bytes(100)
    yield "old office", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
    yield "gif", b"GIF89a\1\0\1\0\0\0\0;"
    yield "bmp", b"BM" + bytes(60)
    yield "heic", b"\0\0\0\x18ftypheic\0\0\0\0"
    yield "gzip of a pdf", zlib.compress(page_pdf(stream(b"")), wbits=31)
    yield "program", b"\x7fELF" + bytes(100)
    yield "dicom without a data set", bytes(128) + b"DICM"
    yield "pdf's beginning", b"%PDF-1.7\n"
    yield "png's beginning", b"\x89PNG\r\n\x1a\n"
    yield "jpeg's beginning", b"\xff\xd8\xff"
    yield "webp's beginning", b"RIFF\0\0\0\0WEBP"
    yield "tiff's beginning", b"II*\0"
    yield "utf-16", "Potassium".encode("utf-16")


def _polyglots() -> Iterator[tuple[str, bytes]]:
    good = dict(good_documents())
    yield "pdf in a png", good["png"] + good["pdf"]
    yield "png in a pdf", good["pdf"] + good["png"]
    yield "pdf in a jpeg", good["jpeg"] + good["pdf"]
    yield "gif that is a pdf", b"GIF89a" + good["pdf"]
    yield "zip that is a pdf", b"PK\3\4" + good["pdf"]
    yield "html that is a pdf", b"<html>" + good["pdf"]
    yield "pdf far down", bytes(2000) + good["pdf"]
    yield "tiff that is a dicom", (good["tiff"][:128].ljust(128, b"\0") + b"DICM" + bytes(100))
    yield "pdf twice", good["pdf"] * 2
