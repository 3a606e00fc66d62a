"""A document as plain text: what a text model reads."""

from collections.abc import Iterator, Sequence

from medley_training.documents.blocks import (
    Block,
    Heading,
    Letterhead,
    Pairs,
    Paragraph,
    Table,
    plain,
)


def as_text(blocks: Sequence[Block], *, with_address: bool = True) -> str:
    """The lines of a document; the cells of a table are parted by bars."""
    return "\n".join(line for block in blocks for line in _lines(block, with_address))


def _lines(block: Block, with_address: bool) -> Iterator[str]:
    match block:
        case Letterhead():
            yield block.hospital
            if with_address:
                yield block.address
            yield block.title
        case Heading():
            yield f"{block.text}:" if not block.text.isupper() else block.text
        case Paragraph():
            yield plain(block.spans)
        case Pairs():
            yield from (f"{plain(name)}: {plain(said)}" for name, said in block.rows)
        case Table():
            for cells in (block.headings, *block.rows):
                yield " | ".join(plain(cell) for cell in cells).rstrip()
