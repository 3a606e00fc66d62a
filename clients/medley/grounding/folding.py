"""Text without what does not count when it is compared: case, dashes, ligatures, widths."""

# ruff: noqa: RUF001 - telling signs apart that look alike is what this module is for

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

_SAME = {
    "×": "x",
    "·": ".",  # a decimal point in old British print
    "⁄": "/",
    "≤": "<=",
    "≥": ">=",
    "\u00ad": "",  # soft hyphen
    "\u200b": "",
    "\u200c": "",
    "\u200d": "",
    "\u2060": "",
    "\ufeff": "",
    "−": "-",
    **dict.fromkeys("‘’‚‛′`´", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
}
_SUPERSCRIPT = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_MARKS = "\u0300-\u036f"
_TOKEN = re.compile(rf"\d+(?:[.,:]\d+)*|(?:[^\W\d_][{_MARKS}]*)+|\S")


@dataclass(frozen=True, slots=True)
class Token:
    """A number, a run of letters, or any other sign, and where it is in the text as printed."""

    text: str
    start: int
    end: int


def folded(text: str) -> tuple[str, Sequence[int]]:
    """The text as it is compared, and for each of its characters the index of the printed one.

    White space stays as it is. A raised number gets a caret: 10⁹ is not 109.
    """
    characters: list[str] = []
    origins: list[int] = []
    was_raised = False
    for index, character in enumerate(text):
        is_raised = character in _SUPERSCRIPT
        plain = ("^" if is_raised and not was_raised else "") + _plain(character)
        was_raised = is_raised
        characters.append(plain)
        origins.extend([index] * len(plain))
    return "".join(characters), origins


@cache
def _plain(character: str) -> str:
    if character in _SAME:
        return _SAME[character]
    if unicodedata.category(character) == "Pd":
        return "-"
    if character.isspace():
        return " "
    # A lone accent is a space and a mark in NFKD; white space would part the word.
    parts = unicodedata.normalize("NFKD", character).replace(" ", "").casefold()
    return "".join(_SAME.get(part, part) for part in parts)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a printed text. Two texts with equal tokens say the same."""
    plain, origins = folded(text)
    return [
        Token(found[0], origins[found.start()], origins[found.end() - 1] + 1)
        for found in _TOKEN.finditer(plain)
    ]
