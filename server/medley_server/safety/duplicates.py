"""Rows that are there twice.

``duplicate_row``: the same in all fields. ``conflicting_rows``: the same thing at the same time
with another value: one of the two is misread, or of another time.
"""

from collections import defaultdict
from collections.abc import Iterator

from medley.results import ExtractionWarning, Found, FoundMedication, FoundRow

from medley_server.safety.chart import Chart, warning

Said = tuple[tuple[str, str], ...]


def check_duplicates(chart: Chart) -> Iterator[ExtractionWarning]:
    """Compare rows of one name."""
    same: dict[tuple[str, ...], list[tuple[str, FoundRow]]] = defaultdict(list)
    for path, row in chart.rows():
        same[path.partition("[")[0], row.name.value.casefold(), _at(row)].append((path, row))
    for rows in same.values():
        seen: dict[Said, str] = {}
        for path, row in rows:
            said = _said(row)
            if said in seen:
                message = f"it says the same as {seen[said]}"
                yield warning("duplicate_row", path, row.name, message)
            elif seen and not isinstance(row, FoundMedication):
                first = next(iter(seen.values()))
                message = f"it names the same as {first} and says something else"
                yield warning("conflicting_rows", path, row.name, message)
            seen.setdefault(said, path)


def _at(row: FoundRow) -> str:
    """What may differ between two rows of one name that are both right."""
    parts = [getattr(row, name, None) for name in ("taken_at", "performed_on", "laterality")]
    return "|".join(part.value if isinstance(part, Found) else "" for part in parts)


def _said(row: FoundRow) -> Said:
    return tuple(
        (name, found.value)
        for name in type(row).model_fields
        if isinstance(found := getattr(row, name), Found)
    )
