"""What a base is shown while it is quantized: chats or texts, as blocks of tokens of one length."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest

from medley_training.errors import CannotQuantize

if TYPE_CHECKING:
    from medley_training.data.examples import Example

BUILT_IN = "medley built-in, no patient's text"
_DRAWN = 240
_LETTERS, _COMPLAINTS, _DOCUMENTS_PER_TYPE = 80, 60, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Blocks of token ids, and where their text came from.

    Attributes:
        source: A file's name, or `BUILT_IN`.
        blocks: Every block has the same number of ids.
        digest: Of the texts and of the ids that were made of them.
    """

    source: str
    blocks: tuple[tuple[int, ...], ...]
    digest: Digest

    def to_json(self) -> dict[str, Json]:
        """What a recipe says; it holds no text."""
        return {
            "source": self.source,
            "samples": len(self.blocks),
            "tokens": len(self.blocks[0]),
            "digest": str(self.digest),
        }


def calibration(
    file: Path | None, tokenizer: Any, *, samples: int, tokens: int, seed: int
) -> Calibration:
    """Shuffle the rows by `seed`, join them, and cut the first `samples` blocks of `tokens` ids.

    Args:
        file: JSON lines with ``text`` or with ``messages``; None takes the built-in texts.
        tokenizer: The base's own; it renders chats by its template.
        samples: How many blocks; the built-in texts are repeated by other seeds until they suffice.
        tokens: Ids in a block.
        seed: Decides order, and which built-in texts are made.

    Raises:
        CannotQuantize: the file is not in that form, or holds too little text.
    """
    rows = _read(file) if file else _built_in(seed)
    Random(seed).shuffle(rows)  # noqa: S311 - no secret
    texts, ids = [], []
    for row in rows:
        texts.append(row if isinstance(row, str) else _rendered(row, tokenizer))
        ids += tokenizer.encode(texts[-1], add_special_tokens=False)
        if len(ids) >= samples * tokens:
            break
    if len(ids) < samples * tokens:
        raise CannotQuantize(
            f"{file or BUILT_IN} holds {len(ids)} tokens, and {samples} samples of {tokens} were "
            "asked for: give more text, or fewer by --samples and --tokens"
        )
    blocks = tuple(tuple(ids[at * tokens : (at + 1) * tokens]) for at in range(samples))
    content: Json = {"texts": [*texts], "ids": [[*block] for block in blocks]}
    source = file.name if file else BUILT_IN
    return Calibration(source=source, blocks=blocks, digest=Digest.of(canonical_json(content)))


def _built_in(seed: int) -> "list[str | Example]":
    """Letters, triage notes and hospital documents, all made up by our own generators."""
    from medley.records import DocumentType

    from medley_training.data.plain_words import plain_words_examples
    from medley_training.data.sources.documents import load_documents
    from medley_training.data.triage_notes import NoteForm, triage_examples
    from medley_training.documents.styles import STYLES

    random = Random(f"{seed}/calibration")  # noqa: S311 - no secret
    made = load_documents(
        seed, styles=[*STYLES], count=_DOCUMENTS_PER_TYPE, document_types=tuple(DocumentType)
    )
    return [
        *plain_words_examples(random, num_letters=_LETTERS, with_closing=False),
        *triage_examples(NoteForm.SOAP, random, count=_COMPLAINTS),
        *(each.example for each in made),
    ]


def _read(file: Path) -> "list[str | Example]":
    from medley_training.data.examples import parse_example

    rows: list[str | Example] = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            is_text = isinstance(row, dict) and isinstance(row.get("text"), str)
            rows.append(row["text"] if is_text else parse_example(row))
        except ValueError as error:
            raise CannotQuantize(
                f'{file}:{number}: neither {{"text": ...}} nor a chat: {error}'
            ) from error
    return rows


def _rendered(example: "Example", tokenizer: Any) -> str:
    messages = [{"role": each.role, "content": each.content} for each in example.messages]
    if tokenizer.chat_template is None:
        return "\n\n".join(message["content"] for message in messages)
    rendered: str = tokenizer.apply_chat_template(messages, tokenize=False)
    return rendered
