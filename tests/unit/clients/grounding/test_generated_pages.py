"""Every value of generated documents, of all sites and types, is found where it was printed."""

from collections import defaultdict
from collections.abc import Iterator

from medley.grounding import Ground, crossing
from medley.pages import Box, Word
from medley.results.found import Match
from medley_training.documents.document import Document, documents
from medley_training.documents.layout import laid_out
from medley_training.documents.page import PageLayout, Run, places
from medley_training.documents.styles import site_style

CHARTS = ("lakeside", "brannock", "nordhafen")
"""The sites that print vital signs in tables with a row or a column for each time."""
ENOUGH = 0.5
"""Of two boxes: what they share over what they cover."""


def words_on(page: PageLayout) -> list[Word]:
    return [word for run in page.runs for word in _words_in(run, page)]


def _words_in(run: Run, page: PageLayout) -> Iterator[Word]:
    _, top, _, bottom = run.box
    end = 0
    for text in run.text.split():
        start = run.text.index(text, end)
        end = start + len(text)
        left, right = (run.x + run.font.width(run.text[:at]) for at in (start, end))
        box = Box(left / page.width, top / page.height, right / page.width, bottom / page.height)
        yield Word(text, box)


def overlap(box: Box, other: Box) -> float:
    width = min(box.x1, other.x1) - max(box.x0, other.x0)
    height = min(box.y1, other.y1) - max(box.y0, other.y0)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (_area(box) + _area(other) - both)


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def outcomes(document: Document) -> Iterator[tuple[str, str, bool, bool]]:
    """For each printed value: its path, its text, whether it is found, and whether it is there."""
    pages = laid_out(document.blocks, site_style(document.style))
    grounds = [Ground(words_on(page), number) for number, page in enumerate(pages, 1)]
    truth = dict(document.truth.leaves())
    printed: dict[str, list[tuple[int, Box]]] = defaultdict(list)
    for place in places(pages):
        numbers = {page for page, _ in place.boxes}
        if place.path in truth and len(numbers) == 1:
            printed[place.path].append(
                (place.boxes[0][0], Box.around(Box(*box) for _, box in place.boxes))
            )
    for path, spots in printed.items():
        number, _ = spots[0]
        near = _near(path, number, printed, document)
        found = grounds[number - 1].find(truth[path].text, near)
        is_there = found is not None and any(overlap(found.bbox, s) >= ENOUGH for _, s in spots)
        is_good = found is not None and found.match is Match.EXACT
        yield path, truth[path].text, is_good, is_there


def _near(
    path: str, number: int, printed: dict[str, list[tuple[int, Box]]], document: Document
) -> Box | None:
    """The place of the row's name; on charts the crossing of name and time."""
    row, _, field = path.rpartition(".")
    name, time = (
        next((box for page, box in printed.get(f"{row}.{at}", ()) if page == number), None)
        for at in ("name", "taken_at")
    )
    is_chart = document.style in CHARTS and row.startswith("vitals") and field == "value"
    return crossing(name, time) if name and time and is_chart else name


def test_every_value_of_generated_pages_is_found() -> None:
    found = [
        (document.name, *outcome)
        for length in ("short", "full")
        for document in documents(11, count=5, length=length)
        for outcome in outcomes(document)
    ]

    lost = [outcome for outcome in found if not outcome[3]]
    elsewhere = [outcome for outcome in found if outcome[3] and not outcome[4]]
    assert len(found) > 1000
    assert lost == []
    assert len(elsewhere) < 0.02 * len(found), elsewhere[:20]
