"""Names of people: how they look, and where else in a text they stand."""

import re
from collections.abc import Iterator, Set

from medley_server.deidentification.detail import Detail, Kind
from medley_server.deidentification.words import words

_MOST_PARTS = 5
_SHORTEST_PART = 3
_WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]{0,40}\w)?")
_POSSESSIVE = re.compile(r"['\u2019][sS]$")
_TITLES = re.compile(r"(?:(?:Dr|Prof|Mrs?|Ms|Miss|Herrn?|Frau|PD|Priv|med)\b[. -]{0,2}){1,4}", re.I)


def name_at(text: str, at: int, *, may_turn: bool) -> tuple[int, int] | None:
    """From where to where a name stands that begins at a place, after its titles.

    Args:
        text: All of it.
        at: Where a name is expected.
        may_turn: The given name may come last, after a comma.
    """
    title = _TITLES.match(text, at)
    start = title.end() if title else at
    end, place, count, turned = start, start, 0, False
    while count < _MOST_PARTS and (word := _WORD.match(text, place)) is not None:
        is_label = text[word.end() : word.end() + 1] == ":"
        if is_label or not _is_part(word.group()):
            break
        count += 1
        place = word.end()
        if len(word.group()) == 1 and text[place : place + 1] == ".":
            place += 1
        if word.group() not in words("particles"):
            end = place
        if may_turn and not turned and text[place : place + 1] == ",":
            turned, place = True, place + 1
        if text[place : place + 1] == " ":
            place += 1
        elif text[place - 1] not in ".,":
            break
    return (start, end) if end > start else None


def _is_part(word: str) -> bool:
    if word.casefold() in words("beside"):
        return False
    return word[0].isupper() or word in words("particles")


def parts_of(name: str) -> set[str]:
    """What of a name may be looked for by itself."""
    parts = {word.group().casefold() for word in _WORD.finditer(name)}
    parts -= words("ordinary") | words("beside") | words("particles")
    return {part for part in parts if len(part) >= _SHORTEST_PART}


def again(text: str, parts: Set[str]) -> Iterator[Detail]:
    """Where parts of names stand by themselves."""
    for word in _WORD.finditer(text) if parts else ():
        bare = _POSSESSIVE.sub("", word.group())
        if bare.casefold() in parts and bare[0].isupper():
            yield Detail(word.start(), word.start() + len(bare), Kind.NAME)
