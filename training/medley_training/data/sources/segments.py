"""Segments of generated documents, each with its right answer; a site is a style, varied.

Half of the segments say nothing that is asked for; most of those are left out. Some names are
replaced by invented ones and some values are smudged, in the question and in the answer alike:
what is learnt is to copy what stands there, and not what usually does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

from medley.records import DocumentType
from medley.segments import Segment, messages_of

from medley_training.data.examples import Example, Message
from medley_training.data.labelled import LabelledExample
from medley_training.documents.document import Document, generate
from medley_training.documents.extraction import Answer, compact_json
from medley_training.documents.lexicon import Lexicon
from medley_training.documents.segmented import answers, printed_pages
from medley_training.documents.vocabularies import larger_lexicon

EMPTY_KEPT = 0.5
"""The share of segments without an answer that are kept."""
VARIATIONS = {"": 0.2, "home": 0.2, "mixed": 0.6}
"""How a site's documents are varied (`style_of`), and the share of each."""
INVENTED = 0.25
SMUDGED = 0.12
_FULL = 0.6
_SYLLABLES = (
    *("al", "be", "cor", "do", "e", "fi", "gra", "hy", "in", "ka", "lo", "mo", "na", "or", "pro"),
    *("qui", "ra", "si", "tra", "u", "vi", "xe", "ze", "pril", "sartan", "mab", "ase", "ine", "ol"),
)
CONCLUDED = frozenset({"status", "assertion"})
"""What stands nowhere on the page as it is answered."""
_CONFUSED = {
    "0": "O",
    "O": "0",
    "1": "l",
    "l": "1",
    "5": "S",
    "S": "5",
    "8": "B",
    "m": "rn",
    ".": ",",
}


def load_segments(
    seed: int,
    *,
    sites: Sequence[str],
    per_site: int,
    document_types: Sequence[DocumentType],
    lexicon: Path | None = None,
) -> tuple[LabelledExample, ...]:
    """Make `per_site` segments of each site's documents; those of one document are one group.

    Args:
        seed: The same arguments give the same segments.
        sites: Each with a style of its own; see `medley_training.documents.styles`.
        per_site: Segments per site.
        document_types: What kinds of document.
        lexicon: A folder of larger vocabularies; None takes the compact one.

    Raises:
        RecipeError: There is no such style.
        BadSource: The folder does not hold the vocabularies.
    """
    words = None if lexicon is None else larger_lexicon(lexicon)
    found: list[LabelledExample] = []
    for site in sites:
        own: list[LabelledExample] = []
        for number in count():
            if len(own) >= per_site:
                break
            own.extend(_of_document(seed, site, number, document_types, words))
        found.extend(own[:per_site])
    return tuple(found)


def _of_document(
    seed: int,
    site: str,
    number: int,
    document_types: Sequence[DocumentType],
    lexicon: Lexicon | None,
) -> Iterator[LabelledExample]:
    random = Random(f"{seed} {site} {number}")  # noqa: S311 - made-up data, not a secret
    (variation,) = random.choices([*VARIATIONS], [*VARIATIONS.values()])
    document = generate(
        seed,
        document_type=document_types[number % len(document_types)],
        style=f"{site}~{variation}{number}" if variation else site,
        number=number,
        length="full" if random.random() < _FULL else "short",
        lexicon=lexicon,
    )
    for example in segment_examples(document, random):
        yield LabelledExample(
            example=example,
            label=document.document_type.value,
            group=f"{seed}/{document.name}",
            site=site,
        )


def segment_examples(document: Document, random: Random) -> Iterator[Example]:
    """A document's segments as examples; `random` decides which are kept and altered."""
    pages, found = printed_pages(document)
    for segment, answer in answers(pages, found, document.truth):
        if answer or random.random() < EMPTY_KEPT:
            yield _example(*_altered(segment, answer, random))


def _example(segment: Segment, answer: Answer) -> Example:
    system, user = (message["content"] for message in messages_of(segment))
    return Example(
        (
            Message("system", system),
            Message("user", user),
            Message("assistant", compact_json(answer)),
        )
    )


def _altered(segment: Segment, answer: Answer, random: Random) -> tuple[Segment, Answer]:
    """The segment and its answer with some names invented and some values smudged."""
    text, changes = segment.text, dict[str, str]()
    for field, value in sorted(set(_copied(answer))):
        new = _invented(value, random) if field == "name" else _smudged(value, random)
        if text.count(value) == 1:
            changes[value] = new
    for old, new in changes.items():
        text = text.replace(old, new)
    altered: Answer = {
        section: [_with(row, changes) for row in rows] for section, rows in answer.items()
    }
    if all(value in text for _, value in _copied(altered)):
        return replace(segment, text=text), altered
    return segment, answer  # one value was a part of another


def _copied(answer: Answer) -> Iterator[tuple[str, str]]:
    """The fields that are copied, and not concluded."""
    for rows in answer.values():
        for row in rows:
            for field, value in row.items():
                if isinstance(value, str) and field not in CONCLUDED:
                    yield field, value


def _with(row: dict[str, str | bool], changes: Mapping[str, str]) -> dict[str, str | bool]:
    return {
        field: changes.get(value, value)
        if isinstance(value, str) and field not in CONCLUDED
        else value
        for field, value in row.items()
    }


def _invented(name: str, random: Random) -> str:
    """Most names as they are, some as nobody has ever seen them."""
    if random.random() >= INVENTED:
        return name
    words = ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in name.split()[:3]]
    text = " ".join(words)
    if name.isupper():
        return text.upper()
    return text[0].upper() + text[1:] if name[0].isupper() else text


def _smudged(value: str, random: Random) -> str:
    """Most values as they are, some as OCR might give them."""
    if random.random() >= SMUDGED or len(value) < 2:
        return value
    at = random.randrange(len(value))
    if value[at] in _CONFUSED and random.random() < 0.5:
        return value[:at] + _CONFUSED[value[at]] + value[at + 1 :]
    return value.replace(" ", "", 1)
