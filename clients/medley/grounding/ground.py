"""The words of one page, ready to be searched."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from medley.grounding.blurred_text import BlurredText
from medley.grounding.folding import folded, tokens_of
from medley.grounding.order import columns_of, lines_of
from medley.grounding.place import Place
from medley.grounding.printed_text import PrintedText
from medley.pages import Box, Word
from medley.results.found import Match

MOST_CANDIDATES = 64
"""How many places of a text's rarest token are looked at: those nearest to what is near."""
_BELOW, _BACK, _ABOVE = 1.0, 2.0, 4.0
"""What a line below, the same line to the left, and a line above add to a distance."""
_RANK = {Match.EXACT: 0, Match.NORMALIZED: 1, Match.FUZZY: 2}
_SIGNS = ("-", "+", "l", "i", "|", "o")
"""Directly before a number; the letters may be digits of it."""
_SPACED_SIGNS = ("<=", ">=", "<", ">")


class Ground:
    """Finds texts among words.

    Attributes:
        work: How many tokens and characters were looked at so far, building included.
    """

    def __init__(self, words: Sequence[Word], page: int) -> None:
        """Index the words of page `page` (or of a part of it), given in any order."""
        self._page = page
        self._lines = lines_of(words)
        self._by_line = PrintedText([word for line in self._lines for word in line])
        self.work = len(self._by_line.tokens) + len(words)

    @cached_property
    def _by_cell(self) -> PrintedText:
        cells = PrintedText([word for chain in columns_of(self._lines) for word in chain])
        self.work += len(cells.tokens)
        return cells

    @cached_property
    def _blurred_by_line(self) -> BlurredText:
        return BlurredText(self._by_line.text)

    @cached_property
    def _blurred_by_cell(self) -> BlurredText:
        return BlurredText(self._by_cell.text)

    def find(self, text: str, near: Box | None = None) -> Place | None:
        """Where `text` is printed; None where it is not.

        What is printed character by character goes before what only looks alike. Of several such
        places it is the one nearest to `near` (the row, or the name that the value belongs to),
        else the first. A text inside of `near` goes before a better match elsewhere.
        In a table with a column for each time, `near` is a `crossing`.
        """
        wanted = text.strip()
        if not wanted:
            return None
        return (
            self._best(self._same(wanted, self._by_line, near), near)
            or self._best(self._same(wanted, self._by_cell, near), near)
            or self._best(self._alike(wanted, self._by_line, self._blurred_by_line), near)
            or self._best(self._alike(wanted, self._by_cell, self._blurred_by_cell), near)
        )

    def _best(self, places: Iterator[tuple[int, Place]], near: Box | None) -> Place | None:
        def order(ranked: tuple[int, Place]) -> tuple[bool, int, float]:
            rank, place = ranked
            distance = _distance(place.bbox, near) if near else 0.0
            return distance > 0, rank, distance

        return min(places, key=order, default=(0, None))[1]

    def _same(
        self, wanted: str, printed: PrintedText, near: Box | None
    ) -> Iterator[tuple[int, Place]]:
        tokens = [token.text for token in tokens_of(wanted)]
        if not tokens or any(token not in printed.positions for token in tokens):
            return
        anchor = min(range(len(tokens)), key=lambda index: len(printed.positions[tokens[index]]))
        for position in self._nearest(printed, tokens[anchor], near):
            start = position - anchor
            run = printed.tokens[max(start, 0) : start + len(tokens)]
            self.work += len(run)
            if [token.text for token in run] == tokens:
                lead = _lead(printed, start, tokens[0])
                yield self._place(wanted, printed, run[0].start, run[-1].end, lead)

    def _nearest(self, printed: PrintedText, token: str, near: Box | None) -> list[int]:
        """Positions of a token: all, or where there are very many those around the place."""
        positions = printed.positions[token]
        if len(positions) <= MOST_CANDIDATES:
            return positions
        if near is None:
            return positions[:MOST_CANDIDATES]

        def top(position: int) -> float:
            found = printed.tokens[position]
            return printed.box(found.start, found.end).y1

        middle = bisect_left(positions, (near.y0 + near.y1) / 2, key=top)
        first = max(0, middle - MOST_CANDIDATES // 2)
        return positions[first : first + MOST_CANDIDATES]

    def _alike(
        self, wanted: str, printed: PrintedText, blurred: BlurredText
    ) -> Iterator[tuple[int, Place]]:
        before = blurred.work
        for cost, start, end in blurred.like(wanted):
            place = self._placed(printed, start, end, Match.FUZZY, "")
            yield _RANK[Match.FUZZY] + cost, place
        self.work += blurred.work - before

    def _place(
        self, wanted: str, printed: PrintedText, start: int, end: int, lead: str
    ) -> tuple[int, Place]:
        match = Match.EXACT if printed.text[start:end] == wanted else Match.NORMALIZED
        match = Match.FUZZY if lead else match
        return _RANK[match], self._placed(printed, start, end, match, lead)

    def _placed(self, printed: PrintedText, start: int, end: int, match: Match, lead: str) -> Place:
        return Place(
            page=self._page,
            bbox=printed.box(start, end),
            match=match,
            words=printed.words(start, end),
            text=printed.text[start:end],
            lead=lead,
        )


def _lead(printed: PrintedText, first: int, token: str) -> str:
    """A sign that belongs to the number which the text begins with."""
    if first == 0 or not token[0].isdigit():
        return ""
    start = printed.tokens[first].start
    before, _ = folded(printed.text[max(0, start - 3) : start])
    spaced = next((sign for sign in _SPACED_SIGNS if before.rstrip().endswith(sign)), "")
    sign = next((sign for sign in _SIGNS if before.endswith(sign)), "")
    # Between two numbers it is a range, after a letter a hyphen.
    is_joined = len(before) > 1 and (before[-2].isalnum() or before[-2] in ")%")
    return spaced or ("" if is_joined else sign)


def crossing(one: Box, other: Box) -> Box:
    """Where the row of one box crosses the column of the other, which is the upper one.

    In a grid with a column per time, a value stands near the crossing of its name and its time.
    """
    upper, lower = sorted((one, other), key=lambda box: box.y0)
    return Box(upper.x0, lower.y0, upper.x1, lower.y1)


def _distance(box: Box, near: Box) -> float:
    """How far apart two boxes are, in the way that people read: on, below, back, above.

    What follows in the same line is nearest, then what stands in the lines below, in which a
    sentence goes on; what stands before in the same line is of something else.
    """
    across = max(near.x0 - box.x1, box.x0 - near.x1, 0.0)
    middle = (box.y0 + box.y1) / 2
    if near.y0 <= middle <= near.y1:
        return across if box.x1 > near.x0 else _BACK + across
    if middle > near.y1:
        return _BELOW * (middle - near.y1) / (box.y1 - box.y0 or 1.0) + across
    return _ABOVE * (near.y0 - middle) / (box.y1 - box.y0 or 1.0) + across
