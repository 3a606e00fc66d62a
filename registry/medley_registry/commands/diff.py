"""`medley adapter diff`: two versions side by side."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from os.path import commonprefix
from typing import Annotated, BinaryIO, cast

import typer

from medley_registry.adapter_config import parse_adapter_config
from medley_registry.adapters import Version
from medley_registry.admission import CONFIG_FILE, WEIGHTS_FILE
from medley_registry.canonical import Json
from medley_registry.commands.difference_records import DifferenceRecord, ModuleChangeRecord
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption, ReferenceArgument
from medley_registry.commands.screen import (
    print_fields,
    print_json,
    print_line,
    print_note,
    print_table,
)
from medley_registry.difference import Change, Difference, MetricChange, Side, difference
from medley_registry.registry import Registry
from medley_registry.strict_json import parse_object
from medley_registry.updates import ModuleChange, Weights

app = typer.Typer()


@app.command()
@on_registry
def diff(
    registry: Registry,
    old: ReferenceArgument,
    new: ReferenceArgument,
    *,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="The most changed modules; 0 for all.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions: settings, lineage, tensors, evidence.

    For each module: the norms of A, of B and of the update (B·A, scaled as an engine does), and
    how far the new update is from the old one, as a part of the old one's norm.

    \b
    Examples:
      medley adapter diff discharge discharge@canary
      medley adapter diff discharge:2 discharge:3 --json
    """
    with ExitStack() as streams:
        found = difference(
            _side(registry, registry.resolve(old), streams),
            _side(registry, registry.resolve(new), streams),
        )
    if as_json:
        print_json(_record(found))
    else:
        _print(found, limit=limit)


def _side(registry: Registry, version: Version, streams: ExitStack) -> Side:
    def open_file(path: str) -> BinaryIO:
        digest = next(f.sha256 for f in version.manifest.files if f.path == path)
        return streams.enter_context(registry.blobs.open(digest))

    config = open_file(CONFIG_FILE).read()
    return Side(
        version=version,
        config=parse_object(config, what="config"),
        weights=Weights(open_file(WEIGHTS_FILE), parse_adapter_config(config)),
        evidence=registry.evidence.of(version.adapter, version.number),
    )


def _record(found: Difference) -> DifferenceRecord:
    modules = [{**asdict(module), "change": module.change} for module in found.modules]
    return cast(DifferenceRecord, asdict(found) | {"modules": cast(ModuleChangeRecord, modules)})


def _print(found: Difference, *, limit: int) -> None:
    same = " (the same content)" if found.is_same_content else ""
    print_fields({"old": found.old, "new": found.new + same})
    _print_changes("CONFIGURATION", found.config)
    _print_changes("LINEAGE", found.lineage)
    shown = found.modules[: limit or None]
    print_line("")
    shared = _shared_prefix([module.module for module in shown])
    columns = (f"{shared}…" if shared else "MODULE", "‖A‖", "‖B‖", "UPDATE", "CHANGE")
    print_table(columns, [_module_row(module, without=shared) for module in shown])
    if len(shown) < len(found.modules):
        print_note(f"{len(found.modules) - len(shown)} more modules changed less: --limit 0")
    if found.evidence:
        print_line("")
        print_table(
            ("EVIDENCE", "VARIANT", "METRIC", "OLD", "NEW", "CHANGE"), map(_row, found.evidence)
        )


def _print_changes(title: str, changes: Sequence[Change]) -> None:
    if changes:
        print_line("")
        rows = [(change.name, _text(change.old), _text(change.new)) for change in changes]
        print_table((title, "OLD", "NEW"), rows)


def _text(value: Json) -> str:
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, list):
        return ", ".join(map(_item, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _item(value: Json) -> str:
    """One of several; of a parent or a contribution, what it is called."""
    match value:
        case {"reference": str(reference), "relation": str(relation)}:
            return f"{reference} ({relation})"
        case {"participant": str(participant), "weight": int() | float() as weight}:
            return f"{participant} ({weight:.3g})"
    return _text(value)


def _shared_prefix(modules: Sequence[str]) -> str:
    """The parts that all names begin with: of no interest to anyone, and long."""
    shared = commonprefix([*modules]) if len(modules) > 1 else ""  # noqa: RUF071 cut below
    return shared[: shared.rfind(".") + 1]


def _module_row(found: ModuleChange, *, without: str) -> tuple[str, ...]:
    old, new = found.old, found.new
    return (
        found.module.removeprefix(without),
        _move(old.a if old else None, new.a if new else None),
        _move(old.b if old else None, new.b if new else None),
        _move(old.update if old else None, new.update if new else None),
        "new" if found.change is None else f"{found.change:.1%}",
    )


def _row(found: MetricChange) -> tuple[str, ...]:
    if found.old is None or found.new is None:
        change = ""
    elif not found.is_same_suite:
        change = "other suite"
    else:
        change = f"{found.new - found.old:+.4g}"
    return (
        f"{found.kind} {found.suite}",
        found.variant.value,
        found.metric,
        _number(found.old),
        _number(found.new),
        change,
    )


def _move(old: float | None, new: float | None) -> str:
    return f"{_number(old)} → {_number(new)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
