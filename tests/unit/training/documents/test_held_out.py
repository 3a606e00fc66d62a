"""The documents that extraction is measured on stay what they are."""

from hashlib import sha256

from medley.records import DocumentType
from medley_training.documents.document import generate
from medley_training.documents.segmented import printed_pages
from medley_training.documents.styles import STYLES

WORDS = "7e980a919ed8a6ed"
"""Of the documents behind the figures in docs/extraction.md; if it changes, so must they."""


def test_held_out_documents_are_those_that_figures_were_measured_on() -> None:
    words = sha256()
    for number in range(4):
        for site in STYLES:
            document = generate(
                11,
                document_type=list(DocumentType)[number],
                style=f"{site}~away{number}",
                number=number,
                length="full",
            )
            pages, _ = printed_pages(document)
            words.update("\n".join(word.text for page in pages for word in page.words).encode())

    assert words.hexdigest().startswith(WORDS)
