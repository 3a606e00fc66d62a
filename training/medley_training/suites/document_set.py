"""The documents of an extraction suite: made up for it, or read from a folder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medley.records import DocumentType, MedicalRecord
from pydantic import ValidationError

from medley_training.documents.document import documents
from medley_training.documents.styles import STYLES
from medley_training.errors import BadSource
from medley_training.suites.site_name import check_sites

HELD_OUT = 2**32
"""Added to a seed: recipes have small ones, so that nothing here was ever learnt from."""
PER_SITE = 20
_PARTS_OF_A_FILE = (".boxes.json", ".scan.boxes.json")


@dataclass(frozen=True, slots=True)
class HeldOutDocument:
    """A document's text and everything that it says."""

    name: str
    site: str
    text: str
    truth: MedicalRecord


def made_up(
    seed: int, *, sites: Sequence[str], types: Sequence[DocumentType], per_site: int
) -> tuple[HeldOutDocument, ...]:
    """Short documents that no training has seen, each site in its own words, the types in turn.

    Raises:
        RecipeError: There is no such site.
    """
    return tuple(
        HeldOutDocument(made.name, made.style, made.text, made.truth)
        for made in documents(
            HELD_OUT + seed,
            count=per_site,
            styles=sites or STYLES,
            document_types=types or tuple(DocumentType),
        )
    )


def read_documents(
    folder: Path, *, sites: Sequence[str], types: Sequence[DocumentType], per_site: int | None
) -> tuple[HeldOutDocument, ...]:
    """Documents as `medley train documents` writes them: NAME.txt beside NAME.json.

    The site is the name of the folder that a document lies in, else what its name begins with.

    Args:
        folder: Holds them, or a folder for each site.
        sites: Only these; all if empty.
        types: Only these; all if empty.
        per_site: The first so many of each site, by name; None for all.

    Raises:
        BadSource: There is none, a text is missing, or a truth is no record.
        BadSuite: A site has a name that none may have.
    """
    by_site: dict[str, list[HeldOutDocument]] = {}
    for document in _read(folder):
        is_wanted = not types or document.truth.document_type in types
        if is_wanted and (not sites or document.site in sites):
            by_site.setdefault(document.site, []).append(document)
    if not by_site:
        wanted = ", ".join([*sites, *types])
        of = f" of {wanted}" if wanted else ""
        raise BadSource(f"{folder} holds no documents{of}: expected NAME.txt beside NAME.json")
    check_sites(by_site)
    return tuple(each for site in sorted(by_site) for each in by_site[site][:per_site])


def _read(folder: Path) -> Iterator[HeldOutDocument]:
    for path in sorted(folder.rglob("*.json")):
        if path.name.endswith(_PARTS_OF_A_FILE):
            continue
        text = path.with_suffix(".txt")
        try:
            truth = MedicalRecord.from_json(path.read_bytes())
            content = text.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSource(f"{text}: {error}") from error
        except ValidationError as error:
            raise BadSource(f"{path} is no record: {error.errors()[0]['msg']}") from error
        place = path.relative_to(folder)
        site = str(place.parent) if len(place.parts) > 1 else path.stem.partition("-")[0]
        yield HeldOutDocument(str(place.with_suffix("")), site, content, truth)
