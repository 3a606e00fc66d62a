"""Small documents of every kind, and the parts from which bad ones are made by hand."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO


def pdf(objects: list[bytes], *, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1, with a true table of them."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root %d 0 R>>\n" % (len(objects) + 1, root)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


def stream(body: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(body), entries, body)


def page_pdf(
    content: bytes,
    *,
    box: bytes = b"[0 0 612 792]",
    resources: bytes = b"",
    more: Sequence[bytes] = (),
) -> bytes:
    """A PDF of one page with this content stream; further objects are numbered from 5."""
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox%b/Contents 4 0 R/Resources<<%b>>>>"
            % (box, resources),
            content,
            *more,
        ]
    )


def png_header(width: int, height: int, *, bits: int = 1, colour: int = 0) -> bytes:
    """The beginning of a PNG of any size."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(entries: list[tuple[int, int, int, int]], *, then: int = 0, data: bytes = b"") -> bytes:
    """A TIFF of one directory; `then` is where the next one is said to be."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(entries))
    return head + body + struct.pack("<I", then) + data


def good_documents() -> Iterator[tuple[str, bytes]]:
    """What the damaged ones are made of: small, so that what is still legible is soon read."""
    from PIL import Image, ImageDraw
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    picture = Image.new("RGB", (300, 120), "white")
    ImageDraw.Draw(picture).text((20, 40), "Potassium 5.9 mmol/L", fill="black", font_size=24)
    out = BytesIO()
    canvas = Canvas(out, invariant=1, pagesize=(300, 200))
    for line in range(5):
        canvas.drawString(20, 180 - 15 * line, f"Potassium 5.{line} mmol/L high")
    canvas.drawImage(ImageReader(picture), 20, 20, 150, 60)
    canvas.showPage()
    canvas.drawString(20, 100, "second page")
    canvas.acroForm.textfield(name="k", value="5.9", x=20, y=50, width=90, height=20)
    canvas.save()
    yield "pdf", out.getvalue()
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        out = BytesIO()
        if kind == "TIFF":
            picture.save(
                out,
                kind,
                compression="tiff_lzw",
                save_all=True,
                append_images=[picture.convert("1")],
            )
        else:
            picture.save(out, kind)
        yield kind.lower(), out.getvalue()
    yield "dicom", dicom_of(b"%PDF-1.7 no more than that")


def dicom_of(content: bytes, *, kind: str = "application/pdf") -> bytes:
    """A DICOM file that encapsulates some bytes."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.EncapsulatedPDFStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID = pydicom.uid.EncapsulatedPDFStorage
    dataset.SOPInstanceUID = pydicom.uid.UID("1.2.3")
    dataset.MIMETypeOfEncapsulatedDocument = kind
    dataset.EncapsulatedDocument = content + bytes(len(content) % 2)
    dataset.EncapsulatedDocumentLength = len(content)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def huge_jpeg() -> bytes:
    """A small JPEG whose header says that it is as large as a JPEG can be."""
    data = bytearray(dict(good_documents())["jpeg"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)
