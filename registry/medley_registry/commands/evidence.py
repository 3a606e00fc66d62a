"""`medley adapter evidence` and `variants`: what was measured, and of which form."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from medley_registry.commands.actor import actor
from medley_registry.commands.ancestry import read_object
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption, ReferenceArgument, VersionArgument
from medley_registry.commands.recording import evidence_record, variant_record
from medley_registry.commands.screen import moment, print_json, print_line, print_table
from medley_registry.digest import Digest
from medley_registry.durable import disk_errors
from medley_registry.errors import AdmissionRefused, InvalidReference
from medley_registry.evidence import EvidenceKind
from medley_registry.item_scores import Item
from medley_registry.registry import Registry
from medley_registry.strict_json import parse_object
from medley_registry.variants import VariantKind

app = typer.Typer()


class _ListByDefault(TyperGroup):
    """A group in which a word that is no command of its own is what to list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["list", *args]
        return super().parse_args(ctx, args)


_evidence = typer.Typer(
    cls=_ListByDefault,
    no_args_is_help=True,
    help="List what was measured of a version, or add a result.",
)
app.add_typer(_evidence, name="evidence")


def metric(text: str) -> tuple[str, float]:
    """Read ``f1=0.83``."""
    name, equals, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        equals = ""
    if not (name and equals):
        raise typer.BadParameter("give NAME=NUMBER, as in f1=0.83")
    return name, number


def read_items(file: Path) -> tuple[Item, ...]:
    """The items in a file, an object a line.

    Raises:
        AdmissionRefused: by one of the rules ``item`` and ``item-json``: a line is none.
        Unavailable: it cannot be read.
    """
    with disk_errors(file):
        lines = file.read_bytes().splitlines()
    return tuple(_item(line, place) for place, line in enumerate(lines, 1) if line.strip())


def _item(line: bytes, place: int) -> Item:
    try:
        return Item.from_json(parse_object(line, what="item"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        because = 'like {"item": "a", "cluster": "a", "site": "x", "tallies": {"f1": [3, 4]}}'
        raise AdmissionRefused("item", f"line {place}: {error!r}", because=because) from error


def digest(text: str) -> Digest:
    """Read ``sha256:<64 hex>``."""
    try:
        return Digest.parse(text)
    except InvalidReference as error:
        raise typer.BadParameter(str(error)) from error


@_evidence.command("list")
@on_registry
def list_(registry: Registry, reference: ReferenceArgument, *, as_json: JsonOption = False) -> None:
    """List what was measured of a version, oldest first.

    \b
    Examples:
      medley adapter evidence discharge:3
      medley adapter evidence list discharge@canary --json
    """
    version = registry.resolve(reference)
    found = registry.evidence.of(version.adapter, version.number)
    if as_json:
        print_json([evidence_record(evidence) for evidence in found])
        return
    rows = [
        (
            moment(evidence.at),
            evidence.variant.value,
            evidence.kind.value,
            evidence.suite,
            ", ".join(f"{name} {value:g}" for name, value in sorted(evidence.metrics.items())),
            evidence.actor,
        )
        for evidence in found
    ]
    print_table(("AT", "VARIANT", "KIND", "SUITE", "METRICS", "ACTOR"), rows)


@_evidence.command()
@on_registry
def add(
    registry: Registry,
    version: VersionArgument,
    *,
    kind: Annotated[EvidenceKind, typer.Option("--kind", show_default=False)],
    suite: Annotated[str, typer.Option("--suite", help="What was run.", show_default=False)],
    suite_digest: Annotated[
        Digest,
        typer.Option(
            "--suite-digest",
            parser=digest,
            metavar="sha256:HEX",
            help="The suite's content.",
            show_default=False,
        ),
    ],
    metrics: Annotated[
        list[Any],
        typer.Option(
            "--metric",
            parser=metric,
            metavar="NAME=NUMBER",
            help="A result; may be repeated.",
            show_default=False,
        ),
    ],
    environment: Annotated[
        Path,
        typer.Option(
            "--environment",
            metavar="FILE.json",
            exists=True,
            dir_okay=False,
            help="An object that tells of the hardware and the software.",
            show_default=False,
        ),
    ],
    variant: Annotated[
        VariantKind, typer.Option("--variant", help="The form it was measured of.")
    ] = VariantKind.BF16,
    items: Annotated[
        Path | None,
        typer.Option(
            "--items",
            metavar="FILE.jsonl",
            exists=True,
            dir_okay=False,
            help="What each item contributed, an object a line: docs/gate.md.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Append a result about one variant of a version. It is never changed.

    \b
    Example:
      medley adapter evidence add discharge:3 --kind evaluation \\
        --suite held-out --suite-digest sha256:2c26b4… \\
        --metric f1=0.83 --metric exact=0.61 --environment machine.json
    """
    added = registry.evidence.add(
        *version,
        variant=variant,
        kind=kind,
        suite=suite,
        suite_digest=suite_digest,
        environment=read_object(environment, what="environment"),
        metrics=dict(metrics),
        actor=actor(),
        items=read_items(items) if items else (),
    )
    if as_json:
        print_json(evidence_record(added))
    else:
        print_line(f"{version.name}:{version.number}  {added.digest}")


@app.command()
@on_registry
def variants(
    registry: Registry, reference: ReferenceArgument, *, as_json: JsonOption = False
) -> None:
    """List the forms a version may be served in, and their bases.

    \b
    Example:
      medley adapter variants discharge:3
    """
    version = registry.resolve(reference)
    found = registry.evidence.variants(version.adapter, version.number)
    if as_json:
        print_json([variant_record(variant) for variant in found])
        return
    rows = [
        (
            variant.kind.value,
            variant.base,
            variant.digest.hex[:12],
            moment(variant.created_at),
            variant.made_by,
            json.dumps(variant.recipe) if variant.recipe else "",
        )
        for variant in found
    ]
    print_table(("VARIANT", "BASE", "DIGEST", "MADE", "BY", "RECIPE"), rows)
