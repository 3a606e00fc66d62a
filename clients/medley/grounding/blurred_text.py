"""A printed text as OCR may have read it, with an index by which alike texts are found."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from medley.grounding.lookalikes import (
    Alignment,
    Glyph,
    align,
    glyphs_of,
    skeleton,
    skeleton_of_pair,
)

SHORTEST, LONGEST = 3, 160
"""Shorter texts look like too many others; longer ones take too long."""
_GRAM = 3
_GRAMS = 3
"""How many of a text's rarest pieces are looked up; one of them must have been read well."""
_PLACES = 8
"""How many places of each piece are tried."""
_ALIKE = 0.6
"""The share of characters that must be the very same."""


class BlurredText:
    """The glyphs of a text under their skeletons."""

    def __init__(self, text: str) -> None:
        """Index the text."""
        self._glyphs = glyphs_of(text)
        self._skeleton, self._at = _skeleton_of(self._glyphs)
        self._places: dict[str, list[int]] = defaultdict(list)
        for start in range(len(self._skeleton) - _GRAM + 1):
            self._places[self._skeleton[start : start + _GRAM]].append(start)
        self.work = len(self._glyphs)

    def like(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Where something alike is printed: how far it is apart, its start and its end."""
        wanted = glyphs_of(text)
        if not SHORTEST <= len(wanted) <= LONGEST:
            return
        for start in self._starts(wanted):
            window = self._glyphs[start : start + 2 * len(wanted) + 4]
            found = align(wanted, window)
            self.work += found.work if found else len(wanted)
            if found and _is_alike(wanted, window, found):
                last = window[found.length - 1]
                yield found.cost, window[0].origin, last.origin + 1

    def _starts(self, wanted: Sequence[Glyph]) -> list[int]:
        """Beginnings of words where the text may begin."""
        blurred, at = _skeleton_of(wanted)
        grams = {blurred[start : start + _GRAM]: start for start in range(len(blurred) - _GRAM + 1)}
        known = [gram for gram in grams if gram in self._places]
        rarest = sorted(known, key=lambda gram: (len(self._places[gram]), grams[gram]))[:_GRAMS]
        starts: dict[int, None] = {}
        for gram in rarest:
            for place in self._places[gram][:_PLACES]:
                glyph = self._at[place] - at[grams[gram]]
                for nearby in range(glyph - 3, glyph + 4):
                    if 0 <= nearby < len(self._glyphs) and self._glyphs[nearby].is_edge:
                        starts[nearby] = None
        return list(starts)


def _skeleton_of(glyphs: Sequence[Glyph]) -> tuple[str, list[int]]:
    """The skeleton of a text, and which glyph each of its characters is."""
    characters: list[str] = []
    at: list[int] = []
    index = 0
    while index < len(glyphs):
        joined = skeleton_of_pair(glyphs, index)
        character = joined or skeleton(glyphs[index].text)
        if character:
            characters.append(character)
            at.append(index)
        index += 2 if joined else 1
    return "".join(characters), at


def _is_alike(wanted: Sequence[Glyph], printed: Sequence[Glyph], found: Alignment) -> bool:
    """Whether enough characters are the same: all-lookalikes say nothing."""
    left = [glyph.text for glyph in wanted]
    right = [glyph.text for glyph in printed[: found.length]]
    common = sum(min(left.count(text), right.count(text)) for text in set(left))
    return common >= _ALIKE * len(left)
