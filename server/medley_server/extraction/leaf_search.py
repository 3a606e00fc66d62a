"""Where the plain values of a caller's own JSON are printed.

The values of one object stand together on a page, mostly. So of each object the value whose words
are rarest is looked for first, and the others near it: of three lines that say ``Chair``, the one
beside its own amount is meant.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from medley.pages import Box, Page
from medley.results import ExtractionOptions, Found, Match

from medley_server.extraction.finding import Finder
from medley_server.extraction.placed import steps
from medley_server.extraction.written_json import Pointer, WrittenJson
from medley_server.normal_forms import number_of

_RANKS = {Match.EXACT: 0, Match.NORMALIZED: 0, Match.FUZZY: 1, Match.NOT_FOUND: 2}
_NEVER = 1 << 30
_AROUND_NUMBERS = "$€£()[]:;%"


class _Leaf(NamedTuple):
    """A value to be looked for: `said` is as it is in the JSON, `text` as it would be printed."""

    pointer: Pointer
    value: Any
    said: str
    text: str
    chance: float | None


class LeafSearch:
    """Looks for values on the pages that they were read from."""

    def __init__(
        self, pages: Sequence[Page], options: ExtractionOptions, schema: Mapping[str, Any]
    ) -> None:
        self._finders = {
            page.number: Finder(
                page, grounding=options.grounding, confidence_min=options.confidence_min
            )
            for page in pages
        }
        self._schema = schema
        self._counts: Counter[str] = Counter()
        self._numbers: dict[Decimal, str] = {}
        for page in pages:
            for word in page.words:
                self._counts.update(word.text.casefold().split())
                self._remember(word.text)

    def _remember(self, text: str) -> None:
        """Keeps how a number is printed: JSON has 12.5 where a page has 12.50."""
        bare = text.strip(_AROUND_NUMBERS)
        number = number_of(bare) if bare[:1].isdigit() or bare[:1] in ("-", "+", ".") else None
        if number is not None and number.decimal is not None and not number.comparator:
            self._numbers.setdefault(Decimal(number.decimal), bare)

    def found(self, written: WrittenJson, text: str) -> dict[Pointer, Found]:
        """Every value that says something, with where it stands or that it stands nowhere."""
        objects: dict[Pointer, list[_Leaf]] = defaultdict(list)
        for pointer, (start, end) in written.spans.items():
            value = _at(written.value, pointer)
            if value is None or value == "":
                continue
            said = value if isinstance(value, str) else text[start:end]
            spelling = said if isinstance(value, str) else self._printed(said)
            leaf = _Leaf(pointer, value, said, spelling, written.probabilities.get(pointer))
            objects[pointer.rpartition("/")[0]].append(leaf)
        return {
            pointer: found
            for leaves in objects.values()
            for pointer, found in self._together(leaves)
        }

    def _together(self, leaves: Sequence[_Leaf]) -> list[tuple[Pointer, Found]]:
        made = []
        anchor: Found | None = None
        for leaf in sorted(leaves, key=self._rarity):
            found = self._leaf(leaf, anchor)
            made.append((leaf.pointer, found))
            if anchor is None and found.bbox is not None:
                anchor = found
        return made

    def _rarity(self, leaf: _Leaf) -> int:
        words = leaf.text.casefold().split()
        return min((self._counts[word] or _NEVER for word in words), default=_NEVER)

    def _leaf(self, leaf: _Leaf, anchor: Found | None) -> Found:
        first = next(iter(self._finders.values()))
        if isinstance(leaf.value, bool):
            return first.conclude(json.dumps(leaf.value), leaf.chance, None)
        found = self._best(leaf.text, leaf.chance, anchor)
        if found.match is Match.NOT_FOUND:
            (*_, own) = steps(self._schema, leaf.pointer)
            return first.conclude(leaf.said, leaf.chance, None) if "enum" in own else found
        if leaf.text != leaf.said and found.match is Match.EXACT:
            found = found.model_copy(update={"match": Match.NORMALIZED})
        return found.model_copy(update={"value": leaf.said})

    def _printed(self, number: str) -> str:
        """A number as the pages have it, where they have it in another spelling only."""
        if self._counts[number]:
            return number
        try:
            return self._numbers.get(Decimal(number), number)
        except InvalidOperation:
            return number

    def _best(self, text: str, chance: float | None, anchor: Found | None) -> Found:
        near = Box(*anchor.bbox) if anchor and anchor.bbox else None
        of = anchor.page if anchor else None
        best: Found | None = None
        for page in sorted(self._finders, key=lambda page: page != of):
            found = self._finders[page].find(text, chance, None, near if page == of else None).found
            if best is None or _RANKS[found.match] < _RANKS[best.match]:
                best = found
        assert best is not None
        return best


def _at(value: Any, pointer: Pointer) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value
