"""Generated hospital documents as extraction examples: a site is a style, a label a type."""

from collections.abc import Sequence
from pathlib import Path

from medley.records import DocumentType

from medley_training.data.examples import Example
from medley_training.data.labelled import LabelledExample
from medley_training.documents.document import Document, documents
from medley_training.documents.extraction import INSTRUCTION, completion
from medley_training.documents.vocabularies import larger_lexicon


def load_documents(
    seed: int,
    *,
    styles: Sequence[str],
    count: int,
    document_types: Sequence[DocumentType],
    lexicon: Path | None = None,
) -> tuple[LabelledExample, ...]:
    """Make `count` short documents in each style, the types in turn; each is a group of its own.

    Args:
        seed: The same arguments give the same documents.
        styles: The sites, each with a style of its own; see `medley_training.documents.styles`.
        count: Documents per style.
        document_types: What kinds of document.
        lexicon: A folder of larger vocabularies; None takes the compact one.

    Raises:
        RecipeError: There is no such style.
        BadSource: The folder does not hold the vocabularies.
    """
    made = documents(
        seed,
        count=count,
        styles=styles,
        document_types=document_types,
        lexicon=None if lexicon is None else larger_lexicon(lexicon),
    )
    return tuple(
        LabelledExample(
            example=extraction_example(document),
            label=document.document_type.value,
            group=f"{seed}/{document.name}",
            site=document.style,
        )
        for document in made
    )


def extraction_example(document: Document) -> Example:
    """The document's text as the prompt, the right answer's compact JSON as the completion."""
    return Example.exchange(INSTRUCTION + document.text, completion(document.truth))
