"""An extraction for a person at a terminal: the pages with their values marked, then the values."""

from typing import TYPE_CHECKING

from medley_registry.commands.screen import print_line, print_table
from medley_registry.inert import inert

from medley.commands.marking import Mark, marks_of
from medley.commands.values import Trust, Value, values_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from medley.results import Extraction

_STYLES = {Trust.SURE: "green", Trust.UNSURE: "yellow", Trust.REVIEW: "bold red"}
# Without colours these say the same; with them, too: not everybody sees colours.
_SIGNS = {Trust.SURE: "", Trust.UNSURE: "?", Trust.REVIEW: "!"}
_COLUMNS = ("FIELD", "VALUE", "PRINTED", "PAGE", "SURE", "FOUND", "REVIEW")


def show(name: str, extraction: "Extraction") -> None:
    """Print all of it on stdout."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    values = values_of(extraction)
    print_line(_headline(name, extraction))
    if extraction.text is not None:
        pages = marks_of(extraction.text, values)
        for number, (page, marks) in enumerate(pages, start=1):
            console.print(_heading(number, extraction), style="dim", markup=False)
            console.print(marked(page, marks))
        if any(marks for _, marks in pages):
            console.print(_legend())
    if values:
        print_line("")
        print_table(_COLUMNS, map(_row, values))
    _show_the_rest(console, extraction)


def marked(page: str, marks: tuple[Mark, ...]) -> "Text":
    """A page's text with every value in brackets and in its colour; nothing in it acts."""
    from rich.text import Text

    shown, at = Text(), 0
    for mark in marks:
        shown.append(_harmless(page[at : mark.start]))
        trust = mark.value.trust
        printed = _harmless(page[mark.start : mark.end])
        shown.append(f"[{printed}]{_SIGNS[trust]}", style=_STYLES[trust])
        at = mark.end
    return shown.append(_harmless(page[at:]))


def _harmless(text: str) -> str:
    return "\n".join(map(inert, text.split("\n")))


def _legend() -> "Text":
    from rich.text import Text

    legend = Text("\n")
    for trust in Trust:
        legend.append(f"[value]{_SIGNS[trust]}", style=_STYLES[trust]).append(f" {trust}   ")
    return legend


def _headline(name: str, extraction: "Extraction") -> str:
    document, model = extraction.document, extraction.model
    parts = [
        name,
        document.type,
        f"{document.pages_processed} of {document.pages_in} pages",
        extraction.status.value,
        f"by {model.adapter or model.base}",
    ]
    return " · ".join(parts)


def _heading(number: int, extraction: "Extraction") -> str:
    status = next((page.status for page in extraction.document.pages if page.n == number), "read")
    return f"\n— page {number}" + ("" if status == "read" else f", {status}") + " —"


def _row(value: Value) -> tuple[object, ...]:
    found = value.found
    is_same = found.text in (None, found.value)
    sure = "" if found.confidence is None else f"{found.confidence:.2f}"
    page = found.page or ""
    review = "review" if found.review else ""
    return (value.path, found.value, "" if is_same else found.text, page, sure, found.match, review)


def _show_the_rest(console: "Console", extraction: "Extraction") -> None:
    """What is wrong, and what is not there."""
    if extraction.data is not None and not extraction.places:
        console.print_json(data=extraction.data)
    for warning in extraction.warnings:
        where = f" ({warning.path})" if warning.path else ""
        print_line(f"warning: {warning.code}{where}: {warning.message}")
    for page in extraction.document.pages:
        if page.status in ("failed", "unreadable"):
            print_line(
                f"page {page.n} is {page.status}" + (f": {page.detail}" if page.detail else "")
            )
    if extraction.not_found:
        print_line("not found: " + ", ".join(extraction.not_found))
    if extraction.unreadable:
        print_line("unreadable: " + ", ".join(extraction.unreadable))
