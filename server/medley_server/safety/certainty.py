"""How a value was found, and how sure it is.

``not_found``: it is nowhere on the page. ``fuzzy_match``: what is printed only looks alike.
``low_confidence``: it is less sure than the caller asked for.
"""

from collections.abc import Iterator

from medley.results import ExtractionWarning, Match

from medley_server.safety.chart import Chart, warning


def check_certainty(chart: Chart) -> Iterator[ExtractionWarning]:
    """Look at match and confidence of every value."""
    for path, _, found in chart.found():
        if found.match is Match.NOT_FOUND:
            message = f"{found.value!r} is nowhere on the page"
            yield warning("not_found", path, found, message)
        elif found.match is Match.FUZZY:
            message = f"{found.value!r} only looks like what is printed"
            yield warning("fuzzy_match", path, found, message)
        if found.confidence is not None and found.confidence < chart.confidence_min:
            message = f"confidence {found.confidence:.2f} is below {chart.confidence_min:.2f}"
            yield warning("low_confidence", path, found, message)
