"""Laid-out pages: where every piece of text and every rule stands.

Positions are in points from the top left corner of the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

FONT_HEIGHT = {
    "Helvetica": (0.76, 0.24),
    "Times-Roman": (0.74, 0.26),
    "Courier": (0.72, 0.24),
    "Vera": (0.82, 0.24),
}
"""How far glyphs reach above and below the baseline, as shares of the size; accents included."""
BOLD = {
    "Helvetica": "Helvetica-Bold",
    "Times-Roman": "Times-Bold",
    "Courier": "Courier-Bold",
    "Vera": "VeraBd",
}


@dataclass(frozen=True, slots=True)
class Font:
    """A face in a size; `family` is a key of `BOLD`."""

    family: str
    size: float
    is_bold: bool = False

    @property
    def face(self) -> str:
        """The name under which the PDF library knows it."""
        return BOLD[self.family] if self.is_bold else self.family

    @property
    def leading(self) -> float:
        """From one baseline to the next."""
        return self.size * 1.32

    def width(self, text: str) -> float:
        """How wide a text is, in points."""
        from reportlab.pdfbase.pdfmetrics import stringWidth

        register_fonts()
        return float(stringWidth(text, self.face, self.size))


def register_fonts() -> None:
    """Make the embedded faces known to reportlab; the others every reader of PDF has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for face in ("Vera", "VeraBd"):
        if face not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(face, f"{face}.ttf"))


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text on one line. `value` tells the lines of one printed value together."""

    text: str
    x: float
    baseline: float
    font: Font
    colour: str = "#000000"
    paths: tuple[str, ...] = ()
    value: int = -1

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        above, below = FONT_HEIGHT[self.font.family]
        size = self.font.size
        right = self.x + self.font.width(self.text)
        return self.x, self.baseline - above * size, right, self.baseline + below * size


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 0.5
    colour: str = "#000000"


@dataclass(frozen=True, slots=True)
class Fill:
    """A filled rectangle, drawn below everything else."""

    x0: float
    y0: float
    x1: float
    y1: float
    colour: str


@dataclass(slots=True)
class PageLayout:
    """One page."""

    width: float
    height: float
    runs: list[Run] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)


Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value of the record is printed.

    Attributes:
        path: The value, such as ``labs[0].value``.
        text: What is printed there.
        boxes: For each line that it takes: the page, from 1, and left, top, right and bottom as
            shares of the page's width and height.
    """

    path: str
    text: str
    boxes: tuple[tuple[int, Box], ...]


def places(pages: Sequence[PageLayout]) -> tuple[Place, ...]:
    """Every place where a value is printed, in reading order; a value may have several."""
    return tuple(_places(pages))


def _places(pages: Sequence[PageLayout]) -> Iterator[Place]:
    runs = [(n, page, run) for n, page in enumerate(pages, 1) for run in page.runs if run.paths]
    for _, lines in groupby(runs, key=lambda found: found[2].value):
        parts = list(lines)
        text = " ".join(run.text for _, _, run in parts)
        boxes = tuple((number, _share(run.box, page)) for number, page, run in parts)
        for path in parts[0][2].paths:
            yield Place(path, text, boxes)


def _share(box: Box, page: PageLayout) -> Box:
    left, top, right, bottom = box
    return left / page.width, top / page.height, right / page.width, bottom / page.height
