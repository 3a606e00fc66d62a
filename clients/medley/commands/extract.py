"""`medley extract`: what documents say, each value with the place where it was read."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from medley_registry.commands.screen import counted, print_json, print_note

from medley.commands.forms import Folder, Form, document_in, shown_text
from medley.commands.server_options import KeyOption, ServerOption, key_in
from medley.errors import MedleyError

if TYPE_CHECKING:
    from medley.commands.many import Outcome
    from medley.document_calls import ExtractOptions
    from medley.results import Extraction


def extract(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", exists=True, dir_okay=False, allow_dash=True, show_default=False
        ),
    ],
    *,
    out: Annotated[Form, typer.Option("--out", help="What is printed.")] = Form.TABLE,
    type_: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="The kind of document.")
    ] = "auto",
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar="FILE.json",
            exists=True,
            dir_okay=False,
            help="A JSON Schema of your own.",
            show_default=False,
        ),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", metavar="REF", help="Who is to read it.", show_default=False),
    ] = None,
    pages: Annotated[
        str | None,
        typer.Option("--pages", metavar="1-3,5", help="These only.", show_default=False),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            "--min-confidence",
            min=0,
            max=1,
            help="Values less sure are marked for review.",
            show_default=False,
        ),
    ] = None,
    as_job: Annotated[
        bool, typer.Option("--async", help="As jobs: for long documents; tells the pages done.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="DIR",
            file_okay=False,
            help="Write each answer there, and print none.",
            show_default=False,
        ),
    ] = None,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, max=64, help="So many documents at a time.")
    ] = 4,
    server: ServerOption = None,
    key_variable: KeyOption = None,
) -> None:
    """Read medical documents: PDF, PNG, JPEG, WebP, TIFF, or DICOM with a PDF in it.

    Shows each page's text with the values marked in it, then the values with
    their pages and how sure they are. Of several documents the JSON is one
    object a line. Exit code 1 if a document failed, or was read in part.

    \b
    Examples:
      medley extract scan.pdf
      medley extract scan.pdf --out json | jq .record.labs
      medley extract invoice.png --schema invoice.json --out json
      medley extract ward/*.tiff --save out/ --at-once 8 --async
      medley extract - --type lab_panel --adapter documents:3 < scan.pdf
    """
    options: ExtractOptions = {"document_type": type_, "outputs": out.outputs}
    asked: dict[str, Any] = {
        "schema": _schema_in(schema),
        "adapter": adapter,
        "pages": pages,
        "confidence_min": min_confidence,
        "mode": "async" if as_job else None,
    }
    options |= {name: value for name, value in asked.items() if value is not None}  # type: ignore[typeddict-item]
    printer = _Printer(out, save, is_one=len(files) == 1)
    key = key_in(key_variable)
    asyncio.run(_run(files, options, printer, server=server, key=key, at_once=at_once))
    printer.sum_up()


async def _run(
    files: list[Path],
    options: "ExtractOptions",
    printer: "_Printer",
    *,
    server: str | None,
    key: str | None,
    at_once: int,
) -> None:
    from medley import AsyncClient
    from medley.commands.many import extract_all
    from medley.commands.waiting_view import shown_waiting

    with shown_waiting() as waiting:
        async with AsyncClient(server, api_key=key) as client:
            outcomes = extract_all(client, files, options, at_once=at_once, waiting=waiting)
            async for outcome in outcomes:
                waiting.pause()
                printer.take(outcome)
                waiting.go_on()


class _Printer:
    """Prints or keeps each outcome, and counts them."""

    def __init__(self, form: Form, save: Path | None, *, is_one: bool) -> None:
        self._form = form
        self._folder = Folder(save) if save else None
        self._is_one = is_one
        self._counts = {"succeeded": 0, "partial": 0, "failed": 0}

    def take(self, outcome: "Outcome") -> None:
        extraction = outcome.extraction
        if extraction is None:
            self._fail(outcome.name, outcome.error)
            return
        if self._form is Form.FHIR and extraction.fhir is None:
            self._fail(outcome.name, "the server gave no FHIR bundle")
            return
        self._counts[extraction.status.value] += 1
        if self._folder is not None:
            kept = self._folder.keep(outcome.name, self._form, extraction)
            print_note(f"{outcome.name}: {kept}")
        else:
            self._print(outcome.name, extraction)
        if extraction.status.value == "partial":
            document = extraction.document
            said = f"{document.pages_processed} of {document.pages_in} pages were read"
            print_note(f"warning: {outcome.name}: partial: {said}")

    def sum_up(self) -> None:
        """One line for several, and the exit code."""
        if not self._is_one:
            said = [f"{number} {what}" for what, number in self._counts.items() if number]
            print_note(f"{counted(sum(self._counts.values()), 'document')}: {', '.join(said)}")
        if self._counts["failed"] or self._counts["partial"]:
            raise typer.Exit(1)

    def _print(self, name: str, extraction: "Extraction") -> None:
        if self._form is Form.TABLE:
            from medley.commands.page_view import show

            show(name, extraction)
        elif self._form is Form.TEXT:
            typer.echo(shown_text(extraction))
        elif self._is_one:
            print_json(document_in(self._form, extraction))
        else:
            line = {"file": name, self._form.value: document_in(self._form, extraction)}
            typer.echo(json.dumps(line))

    def _fail(self, name: str, error: object) -> None:
        self._counts["failed"] += 1
        print_note(f"error: {name}: {error}{_about(error)}")
        if self._form in (Form.JSON, Form.FHIR) and not self._is_one and self._folder is None:
            typer.echo(json.dumps({"file": name, "error": {"message": str(error)}}))


def _about(error: object) -> str:
    """What somebody would look up in the table of errors, or in the server's log."""
    if not isinstance(error, MedleyError):
        return ""
    parts = [error.code]
    if error.page is not None:
        parts.append(f"page {error.page}")
    if error.request_id is not None:
        parts.append(f"request {error.request_id}")
    return f" ({', '.join(parts)})"


def _schema_in(path: Path | None) -> Any:
    """A JSON Schema from a file.

    Raises:
        typer.BadParameter: it holds none.
    """
    if path is None:
        return None
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(f"{path} is not JSON: {error}", param_hint="--schema") from error
    if not isinstance(schema, dict):
        raise typer.BadParameter(f"{path} is no JSON object", param_hint="--schema")
    return schema
