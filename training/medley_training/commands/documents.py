"""`medley train documents`: made-up hospital documents with the truth of every value."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

import typer
from medley.records import DocumentType
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import counted, print_json, print_line, progress_bar

from medley_training.commands.refusals import in_one_line
from medley_training.errors import RecipeError

if TYPE_CHECKING:
    from medley_training.documents.document import Document
    from medley_training.documents.files import Format
    from medley_training.documents.noise import Noise

Length: TypeAlias = Literal["full", "short"]
FORMATS = ("text", "pdf", "png")
NOISES = ("clean", "scan", "fax", "phone")
EXAMPLES_FILE = "examples.jsonl"

OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", file_okay=False, show_default=False)
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same bytes.")]
CountOption = Annotated[int, typer.Option(min=1, help="How many of each site, types in turn.")]
SiteOption = Annotated[
    list[str] | None,
    typer.Option("--site", metavar="NAME", help="Only this site's style; repeatable."),
]
TypeOption = Annotated[
    list[DocumentType] | None, typer.Option("--type", help="Only this type; repeatable.")
]
LengthOption = Annotated[
    str, typer.Option(metavar="full|short", help="Like real paperwork, or a few rows.")
]
FormatsOption = Annotated[str, typer.Option(help="What to write, of text, pdf, png.")]
NoiseOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(NOISES), help="What the page images went through; boxes move along."
    ),
]
LexiconOption = Annotated[
    Path | None,
    typer.Option(
        "--lexicon",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Larger vocabularies: orange-book/, disease-ontology/, mimic-code/.",
        show_default=False,
    ),
]


@in_one_line
def documents(
    *,
    out: OutOption,
    seed: SeedOption = 7,
    count: CountOption = 5,
    site: SiteOption = None,
    document_type: TypeOption = None,
    length: LengthOption = "full",
    formats: FormatsOption = "text,pdf",
    noise: NoiseOption = "clean",
    lexicon: LexiconOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write made-up hospital documents, each with its truth.

    Five sites (lakeside, harbor, brannock, nordhafen, ridgeview) write medication reconciliations,
    ICU flowsheets, cardiology consultations, lab panels and operative notes, each in its own
    layout, words, units and dates. examples.jsonl holds them as chats to learn extraction from.

    \b
    Examples:
      medley train documents --out documents
      medley train documents --out scans --site brannock --type lab_panel --formats png --noise fax
      medley train documents --out chats --length short --count 200 --formats text --json
    """
    wanted = [_one_of(FORMATS, "format", name.strip()) for name in formats.split(",")]
    level = _one_of(NOISES, "noise", noise)
    made = _made(
        seed,
        count=count,
        sites=site or [],
        types=document_type or [],
        length=_one_of(get_args(Length), "length", length),
        lexicon=lexicon,
    )
    out.mkdir(parents=True, exist_ok=True)
    rows = _write(made, out, wanted, noise=level, seed=seed)
    _write_examples(made, out / EXAMPLES_FILE)
    if as_json:
        print_json({"documents": rows, "examples": EXAMPLES_FILE})
    else:
        print_line(f"{counted(len(made), 'document')} in {out}")


def _one_of(known: Sequence[str], what: str, given: str) -> Any:
    if given not in known:
        raise RecipeError(f"no {what} {given!r}; there are {', '.join(known)}")
    return given


def _made(
    seed: int,
    *,
    count: int,
    sites: list[str],
    types: list[DocumentType],
    length: Length,
    lexicon: Path | None,
) -> "list[Document]":
    from medley_training.documents.document import documents as generated
    from medley_training.documents.styles import STYLES
    from medley_training.documents.vocabularies import larger_lexicon

    return list(
        generated(
            seed,
            count=count,
            styles=sites or STYLES,
            document_types=types or tuple(DocumentType),
            length=length,
            lexicon=larger_lexicon(lexicon) if lexicon else None,
        )
    )


def _write(
    made: "Sequence[Document]",
    out: Path,
    formats: "Sequence[Format]",
    *,
    noise: "Noise",
    seed: int,
) -> list[dict[str, object]]:
    from medley_training.documents.files import write_document

    rows: list[dict[str, object]] = []
    with progress_bar("documents", unit="documents") as progress:
        for number, document in enumerate(made, 1):
            scan_seed = None if noise == "clean" else seed
            files = write_document(document, out, formats, scan_seed=scan_seed, noise=noise)
            rows.append({"name": document.name, "files": [file.name for file in files]})
            progress(number, len(made))
    return rows


def _write_examples(made: "Sequence[Document]", path: Path) -> None:
    from medley_training.data.sources.documents import extraction_example

    lines = (extraction_example(document).to_json() + "\n" for document in made)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
