"""Made-up hospital documents with their truth, the same for the same seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from medley.records import DocumentType, MedicalRecord

from medley_training.documents.blocks import Block
from medley_training.documents.case import Length
from medley_training.documents.composing import composed
from medley_training.documents.drawing import draw_case
from medley_training.documents.lexicon import Lexicon, compact_lexicon
from medley_training.documents.styles import STYLES
from medley_training.documents.text import as_text
from medley_training.documents.variation import style_of
from medley_training.documents.visible import visible
from medley_training.documents.wording import worded


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document.

    Attributes:
        name: Tells it from all others of the same seed; usable as a file name.
        style: The site that wrote it.
        text: All of it as plain text.
        truth: Everything that it says.
        blocks: What its pages are laid out from.
    """

    name: str
    style: str
    document_type: DocumentType
    length: Length
    text: str
    truth: MedicalRecord
    blocks: tuple[Block, ...]


def generate(
    seed: int,
    *,
    document_type: DocumentType,
    style: str,
    number: int = 0,
    length: Length = "short",
    lexicon: Lexicon | None = None,
) -> Document:
    """Make one document.

    Args:
        seed: With the other arguments it decides every character.
        document_type: What kind of document.
        style: The site, one of `STYLES`.
        number: Tells documents of one seed, type and site apart.
        length: ``short`` has a few rows, ``full`` as many as real paperwork.
        lexicon: The vocabulary; the compact one that ships when None.

    Raises:
        RecipeError: There is no such site.
    """
    site = style_of(style)
    name = f"{style}-{document_type.value}-{length}-{number:05d}"
    random = Random(f"{seed} {name}")  # noqa: S311 - made-up data, not a secret
    case = draw_case(document_type, length, lexicon or compact_lexicon(), random)
    record = worded(case, site, random)
    blocks = composed(record, case, site, random)
    truth = visible(record, blocks)
    return Document(
        name=name,
        style=style,
        document_type=document_type,
        length=length,
        text=as_text(blocks, with_address=length == "full"),
        truth=truth,
        blocks=blocks,
    )


def documents(
    seed: int,
    *,
    count: int,
    styles: Sequence[str] = STYLES,
    document_types: Sequence[DocumentType] = tuple(DocumentType),
    length: Length = "short",
    lexicon: Lexicon | None = None,
) -> Iterator[Document]:
    """Make `count` documents for each site, the types in turn.

    Raises:
        RecipeError: There is no such site.
    """
    for style in styles:
        for number in range(count):
            yield generate(
                seed,
                document_type=document_types[number % len(document_types)],
                style=style,
                number=number,
                length=length,
                lexicon=lexicon,
            )
