"""Arguments and options of `medley eval`."""

from pathlib import Path
from typing import Annotated

import typer
from medley.records import DocumentType
from medley_registry import VariantKind
from medley_registry.commands.completing import references as complete_references

ReferencesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        help="Versions, or a base's name; with two, the first is compared with the second.",
        show_default=False,
        autocompletion=complete_references,
    ),
]
SuiteOption = Annotated[
    list[str],
    typer.Option(
        "--suite",
        metavar="SUITE",
        help="extraction, medmcqa, pubmedqa, prompts or lm-eval:TASK; may be repeated.",
        show_default=False,
    ),
]
VariantOption = Annotated[
    VariantKind | None,
    typer.Option(
        "--variant",
        metavar="bf16|nf4|awq",
        help="The form of the base.  [default: bf16, or what the server serves]",
        show_default=False,
    ),
]
DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[SUITE=]PATH",
        help="Where a suite's items are; may be repeated.",
        show_default=False,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="So many items; of documents, so many of each site.", show_default=False
    ),
]
SitesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sites", metavar="NAME", help="Only their documents; repeatable.", show_default=False
    ),
]
TypeOption = Annotated[
    list[DocumentType] | None,
    typer.Option("--type", help="Only such documents; repeatable.", show_default=False),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Ask this one; else one is started.", show_default=False
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Compare with the answers that an earlier --out left there.",
        show_default=False,
    ),
]
