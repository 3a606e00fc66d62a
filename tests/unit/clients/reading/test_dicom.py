"""DICOM files that carry a PDF."""

from pathlib import Path

import pytest
from medley.reading import CorruptDocument, UnsupportedMedia, read_document

from tests.fuzz.document_files import dicom_of
from tests.unit.clients.reading.specimens import placed, text_pdf, texts


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("pages", [1, 2])
def test_pdf_inside_is_read(pages: int, tmp_path: Path) -> None:
    reading = read_document(placed(tmp_path, dicom_of(text_pdf(pages=pages))))
    assert reading.media_type == "application/dicom"
    assert len(reading.pages) == pages
    assert texts(reading)[:2] == ["Page", "1"]


def test_anything_else_inside_is_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia):
        read_document(placed(tmp_path, dicom_of(b"<ClinicalDocument/>", kind="text/xml")))


def test_damage_inside_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorruptDocument):
        read_document(placed(tmp_path, dicom_of(b"%PDF-1.7 and no more")))
    with pytest.raises((CorruptDocument, UnsupportedMedia)):
        read_document(placed(tmp_path, dicom_of(text_pdf())[:300]))
