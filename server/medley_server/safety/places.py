"""Words that were read as two fields of one row.

``same_place``: what is printed once is a value once; the field that is less sure is for review. A
small model fills the time of a pulse with the pulse where no time is printed.
"""

from collections import defaultdict
from collections.abc import Iterator

from medley.results import ExtractionWarning, Found

from medley_server.safety.chart import Chart, warning


def check_places(chart: Chart) -> Iterator[ExtractionWarning]:
    """Compare the places of the fields of each row."""
    fields: dict[tuple[object, ...], list[tuple[str, Found]]] = defaultdict(list)
    for path, _, found in chart.found():
        if found.bbox is not None:
            row = path.rpartition(".")[0]
            fields[row, found.page, found.bbox, found.text].append((path, found))
    for shared in fields.values():
        surest, *others = sorted(shared, key=lambda one: -(one[1].confidence or 0.0))
        for path, found in others:
            first = surest[0].rpartition(".")[2]
            yield warning("same_place", path, found, f"{found.text!r} was read as {first} too")
