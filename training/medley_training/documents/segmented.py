"""Documents as a server reads them: in segments, each with the answer that is right for it.

The truth's rows go to the segment that holds most of what they print; what a segment does not hold
is no part of its answer, since nobody could copy it from there.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from medley.pages import Box, Page, PageStatus, Source, Word
from medley.records import SECTIONS, Leaf, MedicalRecord, Row
from medley.segments import Segment, segments_of

from medley_training.documents.document import Document
from medley_training.documents.extraction import Answer
from medley_training.documents.layout import laid_out
from medley_training.documents.page import PageLayout, Place, Run, places
from medley_training.documents.variation import style_of

_TOUCHING = 0.12
_INSIDE = 0.5


def printed_pages(document: Document) -> tuple[tuple[Page, ...], tuple[Place, ...]]:
    """The pages as their text layer gives them, without a file, and where each value stands."""
    layouts = laid_out(document.blocks, style_of(document.style))
    pages = tuple(_page(number, layout) for number, layout in enumerate(layouts, 1))
    return pages, tuple(places(layouts))


def _page(number: int, layout: PageLayout) -> Page:
    runs = sorted(layout.runs, key=lambda run: (run.baseline, run.x))
    lines = (list(line) for _, line in groupby(runs, key=lambda run: run.baseline))
    return Page(
        number=number,
        status=PageStatus.READ,
        source=Source.TEXT_LAYER,
        width=round(layout.width * 2),
        height=round(layout.height * 2),
        words=tuple(word for line in lines for word in _words(line, layout)),
    )


def _words(line: Sequence[Run], layout: PageLayout) -> Iterator[Word]:
    """The words of a line; runs that touch each other are one word where no space parts them."""
    text, boxes = "", list[Box]()
    end = float("-inf")
    for run in line:
        if run.x - end > _TOUCHING * run.font.size and text:
            yield Word(text, Box.around(boxes))
            text, boxes = "", []
        end = run.box[2]
        for index, (piece, box) in enumerate(_pieces(run, layout)):
            if index and text:
                yield Word(text, Box.around(boxes))
                text, boxes = "", []
            if piece:
                text += piece
                boxes.append(box)
    if text:
        yield Word(text, Box.around(boxes))


def _pieces(run: Run, layout: PageLayout) -> Iterator[tuple[str, Box]]:
    """What spaces part, the empty pieces too."""
    _, top, _, bottom = run.box
    x = run.x
    for piece in run.text.split(" "):
        right = x + run.font.width(piece)
        box = (x / layout.width, top / layout.height, right / layout.width, bottom / layout.height)
        yield piece, Box(*box)
        x = right + run.font.width(" ")


def answers(
    pages: Sequence[Page], found: Sequence[Place], truth: MedicalRecord
) -> Iterator[tuple[Segment, Answer]]:
    """Each segment of some pages with its right answer.

    Args:
        pages: As they were read.
        found: Where the truth's values stand on them.
        truth: What the pages say.
    """
    segments = segments_of(pages)
    homes = _homes(segments, pages, found)
    rows: dict[int, Answer] = defaultdict(dict)
    for path, row in truth.rows():
        counts = homes.get(path)
        if not counts:
            continue
        index = max(counts, key=lambda each: (len(counts[each]), -each))
        fields = _fields(row, path, counts[index], segments[index].text)
        if "name" in fields:
            section = path.partition("[")[0]
            rows[index].setdefault(section, []).append(fields)
    for index, segment in enumerate(segments):
        yield segment, {name: rows[index][name] for name in SECTIONS if name in rows[index]}


def _homes(
    segments: Sequence[Segment], pages: Sequence[Page], found: Sequence[Place]
) -> Mapping[str, dict[int, dict[str, str]]]:
    """For each row, what of it each segment holds: the words by the paths of the values."""
    holders = defaultdict(list)
    for index, segment in enumerate(segments):
        for word in segment.words:
            holders[id(word)].append(index)
    homes: dict[str, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    by_number = {page.number: page.words for page in pages}
    for place in found:
        for number, box in place.boxes:
            words = [word for word in by_number.get(number, ()) if _is_in(word.box, Box(*box))]
            for index in {index for word in words for index in holders[id(word)]}:
                said = homes[place.path.rpartition(".")[0]][index]
                text = " ".join(word.text for word in words)
                said[place.path] = f"{said[place.path]} {text}" if place.path in said else text
    return homes


def _fields(row: Row, path: str, said: Mapping[str, str], text: str) -> dict[str, str | bool]:
    fields: dict[str, str | bool] = {}
    for name, field in type(row).model_fields.items():
        value = getattr(row, name)
        if isinstance(value, Leaf):
            copied = next(
                (each for each in (value.text, said.get(f"{path}.{name}", "")) if each in text), ""
            )
            if copied and f"{path}.{name}" in said:
                fields[name] = copied
        elif value != field.default and value is not None:
            fields[name] = value if isinstance(value, bool) else str(value)
    return fields


def _is_in(word: Box, place: Box) -> bool:
    """Whether at least half of the smaller one's area is in the other."""
    width = min(word.x1, place.x1) - max(word.x0, place.x0)
    height = min(word.y1, place.y1) - max(word.y0, place.y0)
    if width <= 0 or height <= 0:
        return False
    smaller = min((box.x1 - box.x0) * (box.y1 - box.y0) for box in (word, place))
    return width * height >= _INSIDE * smaller
