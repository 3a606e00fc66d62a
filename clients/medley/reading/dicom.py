"""DICOM files that carry a PDF."""

from pathlib import Path

from medley.reading.errors import CorruptDocument, UnsupportedMedia

_DEFLATED = "1.2.840.10008.1.2.1.99"


def encapsulated_pdf(path: Path) -> bytes:
    """The PDF inside a DICOM file.

    Raises:
        UnsupportedMedia: It carries something else, or packs its data set.
        CorruptDocument: It cannot be read.
    """
    import pydicom

    try:
        meta = pydicom.filereader.read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") == _DEFLATED:  # pydicom would unpack it without a limit
            raise UnsupportedMedia("this DICOM file is deflated, which is not read")
        dataset = pydicom.dcmread(path)
        kind = dataset.get("MIMETypeOfEncapsulatedDocument")
        content = dataset.get("EncapsulatedDocument")
        length = dataset.get("EncapsulatedDocumentLength")
    except UnsupportedMedia:
        raise
    except Exception as error:  # it raises errors of many kinds
        raise CorruptDocument(f"the DICOM file is damaged ({type(error).__name__})") from error
    if content is None or str(kind).strip().lower() != "application/pdf":
        raise UnsupportedMedia("this is a DICOM file without a PDF inside: only those are read")
    return bytes(content)[: length or None]
