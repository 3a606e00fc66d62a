"""Where a text stands."""

from dataclasses import dataclass

from medley.pages import Box, Word
from medley.results.found import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A text that was found on a page.

    Attributes:
        bbox: Around all of it, also where it goes on in another line. Of a word that is only in
            part the text, the same part of its box.
        match: `EXACT`, `NORMALIZED` or `FUZZY`.
        words: Those that the text is in, in reading order.
        text: What is printed there.
        lead: A sign, a comparator or a letter that may be a digit, printed directly before and
            left out by the text: ``<`` where ``<0.5`` is printed and ``0.5`` was looked for. The
            match is then `FUZZY`.
    """

    page: int
    bbox: Box
    match: Match
    words: tuple[Word, ...]
    text: str
    lead: str = ""
