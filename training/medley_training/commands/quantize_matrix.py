"""`medley quantize --matrix`: what was found to work on this machine, and finding out."""

from collections.abc import Sequence
from dataclasses import asdict

from medley_registry.commands.screen import print_json, print_note, print_table
from medley_registry.location import medley_home

from medley_training.commands.stopping import stopped_by_sigterm
from medley_training.quantizing.support_record import Cell, SupportRecord, environment

_FILE = "support.json"
_COLUMNS = ("ARCHITECTURE", "METHOD", "MADE", "SERVED", "WITH LORA", "WHY NOT")


def show_matrix(architectures: Sequence[str], *, with_serving: bool, as_json: bool) -> None:
    """Probe what was named, keep what was found, and print everything known of this machine."""
    from medley_training.quantizing.matrix import probe, whole_matrix

    here = environment()
    record = SupportRecord(medley_home() / _FILE)
    with stopped_by_sigterm():
        for cell in probe(architectures, with_serving=with_serving):
            record.add(here, [cell])
            print_note(f"{cell.architecture} {_method(cell)}: {cell.made}")
    cells = whole_matrix(record.cells(here))
    if as_json:
        print_json({"environment": here, "cells": [asdict(cell) for cell in cells]})
        return
    print_table(
        _COLUMNS,
        [
            (c.architecture, _method(c), c.made, c.served, c.served_lora, c.detail[:60])
            for c in cells
        ],
    )


def _method(cell: Cell) -> str:
    return f"{cell.method} by {cell.tool}" if cell.tool else cell.method
