"""Pages that fill up, and the cursor at which the next block is set."""

from collections.abc import Sequence
from itertools import count

from medley_training.documents.blocks import Span
from medley_training.documents.lines import Line, broken
from medley_training.documents.page import Font, PageLayout, Run
from medley_training.documents.styles import SiteStyle

PAPERS = {"letter": (612.0, 792.0), "A4": (595.28, 841.89)}
MARGIN = 54.0
FOOT = 40.0


class Sheet:
    """Pages that fill from top to bottom; blocks are set at the cursor `y`."""

    def __init__(self, style: SiteStyle) -> None:
        self.style = style
        self.font = Font(style.page.font, style.page.size)
        self.bold = Font(style.page.font, style.page.size, is_bold=True)
        self.width, self.height = PAPERS[style.page.paper]
        self.left, self.right = MARGIN, self.width - MARGIN
        self.pages: list[PageLayout] = []
        self._values = count()
        self._running_title = ""
        self.turn()

    @property
    def page(self) -> PageLayout:
        return self.pages[-1]

    def turn(self) -> None:
        """Begin a page."""
        self.pages.append(PageLayout(self.width, self.height))
        self.y = MARGIN * 0.8
        if self._running_title:
            small = Font(self.font.family, 7.5)
            self.put(f"{self._running_title} (continued)", self.left, self.y, font=small)
            self.y += 16.0

    def name_pages(self, title: str) -> None:
        """What pages after the first say at their top."""
        self._running_title = title

    def need(self, height: float) -> bool:
        """Begin a page if `height` is not left on this one; tell whether that was so."""
        if self.y + height <= self.height - FOOT - 1.8 * self.font.leading:
            return False
        self.turn()
        return True

    def put(
        self,
        text: str,
        x: float,
        baseline: float,
        *,
        font: Font | None = None,
        colour: str = "#000000",
    ) -> None:
        """Print a text that is no value."""
        self.page.runs.append(Run(text, x, baseline, font or self.font, colour))

    def put_line(self, line: Line, x: float, baseline: float, font: Font) -> None:
        """Print a line, piece by piece."""
        for piece in line:
            if not piece.is_space:
                self.page.runs.append(
                    Run(piece.text, x, baseline, font, paths=piece.paths, value=piece.value)
                )
            x += font.width(piece.text)

    def lines(self, spans: Sequence[Span], width: float, font: Font | None = None) -> list[Line]:
        """Break spans into lines; every value in them gets a number of its own."""
        first = [next(self._values) for _ in spans]
        return broken(spans, font or self.font, width, first_value=first[0] if first else 0)
