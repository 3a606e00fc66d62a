"""The machines that were measured on, and how the engine ran each variant there."""

from collections.abc import Callable, Mapping

from medley_registry.canonical import Json

from medley_training.reports.records.content import Block, Section, Table
from medley_training.reports.records.environment import Environment, engine_facts, method_facts
from medley_training.reports.records.findings import Findings
from medley_training.reports.records.recorded import Measurement

TITLE = "Environment"
_NOTE = "Numbers of different environments are shown apart and never compared."


def environment_section(findings: Findings) -> Section:
    """A table of facts with a column for each environment, and one of what variants ran with."""
    measurements = findings.records.measurements
    if not measurements:
        return Section(TITLE)
    places = {each.environment.number: each.environment for each in measurements}
    in_order = [places[number] for number in sorted(places)]
    blocks: list[Block] = [_places(in_order)]
    blocks += _ran(measurements, engine_facts, "How variants were run.")
    blocks += _ran(measurements, method_facts, "How they were measured.")
    return Section(TITLE, tuple(blocks))


def _places(places: list[Environment]) -> Table:
    names = sorted({name for place in places for name in place.facts})
    head = ("", *(place.title for place in places))
    rows = [(name, *(place.facts.get(name, "") for place in places)) for name in names]
    return Table.of(head, rows, _NOTE if len(places) > 1 else "")


def _ran(
    measurements: tuple[Measurement, ...],
    told: Callable[[Mapping[str, Json]], dict[str, str]],
    caption: str,
) -> list[Block]:
    """A column for each way in which it was done, named by variants and suites."""
    ways: dict[tuple[tuple[str, str], ...], list[Measurement]] = {}
    for each in measurements:
        facts = told(each.evidence.environment)
        for known in ("variant", "device"):  # by the column's head, by the environment
            facts.pop(known, None)
        if facts:
            ways.setdefault(tuple(facts.items()), []).append(each)
    columns = [dict(way) for way in ways]
    names = list(dict.fromkeys(name for column in columns for name in column))
    if not names:
        return []
    head = ("", *(_way_text(several) for several in ways.values()))
    rows = [(name, *(column.get(name, "") for column in columns)) for name in names]
    return [Table.of(head, rows, caption)]


def _way_text(several: list[Measurement]) -> str:
    """For example ``nf4, bench, environment 1``."""
    parts = [
        dict.fromkeys(each.variant.value for each in several),
        dict.fromkeys(each.evidence.suite for each in several),
        dict.fromkeys(each.environment.title for each in several),
    ]
    return ", ".join(" ".join(part) for part in parts)
