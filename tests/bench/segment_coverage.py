"""What of documents stands in their segments: ``python -m tests.bench.segment_coverage``.

What a segment does not hold no model can copy from it, so this bounds what extraction by segments
can reach. Pages are read as a text layer gives them; ``home`` are the layouts that recipes learn
from, ``away`` those that they never see.
"""

import argparse

from medley.records import DocumentType
from medley_training.documents.document import Document, generate
from medley_training.documents.scoring import FieldCounts, compare
from medley_training.documents.segmented import answers, printed_pages
from medley_training.documents.styles import STYLES


def counts(document: Document) -> FieldCounts:
    """The document's truth against what can be copied from its segments."""
    pages, found = printed_pages(document)
    merged: dict[str, list[dict[str, str | bool]]] = {}
    for _, answer in answers(pages, found, document.truth):
        for section, rows in answer.items():
            merged.setdefault(section, []).extend(rows)
    return compare(document.truth, merged)


def coverage(pool: str, documents: int, seed: int) -> float:
    """The share of fields of so many full documents of each site."""
    held = said = 0
    for number in range(documents):
        for shift, site in enumerate(STYLES):
            document = generate(
                seed,
                document_type=list(DocumentType)[(number + shift) % len(DocumentType)],
                style=f"{site}~{pool}{number}",
                number=number,
                length="full",
            )
            found = counts(document)
            held += found.true_positive
            said += found.true_positive + found.false_negative
    return held / said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=25, help="of each site")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args()
    for pool in ("home", "away"):
        print(f"{pool}  {coverage(pool, options.documents, options.seed):.4f}")


if __name__ == "__main__":
    main()
