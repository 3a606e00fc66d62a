"""What OCR mixes up, and how far two texts are apart when that is forgiven.

A digit is never anything else than itself or a letter that looks like it: 5.9 is not 5.8, and a
decimal point, a sign or a comparator that is there on one side alone is no match either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from medley.grounding.folding import folded

LETTER = 4
"""What a letter that is missing, added or another one costs; a punctuation mark costs 1."""
FIRST_LETTER_AT, SECOND_LETTER_AT, THIRD_LETTER_AT = 6, 12, 20
"""From how many characters on so many letters may be wrong."""
_NEVER = 10**6
_STRAY = 4
"""How many marks more or fewer than letters may be between two texts at any one place."""
_CLASSES = ("0oqd", "1li|!", "5s$", "8b", "2z", "6g", "uv", "ce")
_CLASS = {character: index for index, group in enumerate(_CLASSES) for character in group}
_LIKE_DIGITS = frozenset("".join(_CLASSES[:6]))
_PAIRS = {("r", "n"): "m", ("c", "l"): "d", ("v", "v"): "w"}
# With signs and marks, and with the letters that may be digits of it.
_NUMBER = re.compile(r"[+-]?[0oqd1li|!5s$8b2z6g.,:/]*\d(?:[.,:/+-]?[\doqdli|!s$bzg])*")
_SHORT_WORD = re.compile(r"(?<![^\W_])[^\W\d_]{1,4}(?![^\W_])")
_ALWAYS_MEANT = re.compile(r"[<>=±~^]")
_BEFORE_DIGITS = frozenset(".,:/+-")


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character that counts.

    Attributes:
        is_guarded: Whether it must be there on both sides, as itself or as what it looks like.
        origin: Where it is in the printed text.
        is_edge: Whether a word begins here, and not in the middle of a number.
        ends_word: Whether a word ends here, and not in the middle of a number.
    """

    text: str
    is_guarded: bool
    origin: int
    is_edge: bool
    ends_word: bool


def glyphs_of(text: str) -> list[Glyph]:
    """The characters that count, without white space (but a space between digits counts)."""
    plain, origins = folded(text)
    guarded = _guarded(plain)
    found: list[Glyph] = []
    for index, character in enumerate(plain):
        before = plain[index - 1] if index else " "
        after, then = plain[index + 1 : index + 2] or " ", plain[index + 2 : index + 3]
        if character.isspace() and not _parts_digits(before, after):
            continue
        found.append(
            Glyph(
                character,
                character.isspace() or index in guarded,
                origins[index],
                not (before.isalnum() or (before in _BEFORE_DIGITS and character.isdigit())),
                not (after.isalnum() or (after in _BEFORE_DIGITS and then.isdigit())),
            )
        )
    return found


def _guarded(plain: str) -> set[int]:
    """Which characters must be there on both sides: numbers, signs, and words of a few letters.

    One letter makes another unit of a unit: mg is not mcg.
    """
    runs = [*_NUMBER.finditer(plain), *_SHORT_WORD.finditer(plain), *_ALWAYS_MEANT.finditer(plain)]
    return {index for found in runs for index in range(found.start(), found.end())}


def _parts_digits(before: str, after: str) -> bool:
    """Whether a space stands between two digits, or between one and what may be another."""
    is_one = before.isdigit() or after.isdigit()
    return is_one and all(side.isdigit() or side in _LIKE_DIGITS for side in (before, after))


def skeleton(character: str) -> str:
    """The same for all characters that are mixed up with each other; empty for punctuation."""
    if character in _CLASS:
        return _CLASSES[_CLASS[character]][0]
    return character if character.isalnum() else ""


def skeleton_of_pair(glyphs: Sequence[Glyph], index: int) -> str:
    """The skeleton of the one letter that this glyph and the next look like; else nothing."""
    if index + 1 == len(glyphs):
        return ""
    joined = _PAIRS.get((glyphs[index].text, glyphs[index + 1].text))
    return skeleton(joined) if joined else ""


def allowance(length: int) -> int:
    """How much two texts may be apart; `length` is the shorter one's."""
    letters = sum(length >= at for at in (FIRST_LETTER_AT, SECOND_LETTER_AT, THIRD_LETTER_AT))
    return LETTER * letters + 2


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well a text agrees with the beginning of another.

    Attributes:
        length: How many glyphs of the other one it takes.
        work: How many pairs of glyphs were compared.
    """

    cost: int
    length: int
    work: int


def align(wanted: Sequence[Glyph], printed: Sequence[Glyph]) -> Alignment | None:
    """Align `wanted` with the beginning of `printed`; None where they are too far apart.

    The first characters must agree: names that differ in how they begin are different names.
    """
    limit = allowance(len(wanted))
    if not printed or _substitution(wanted[0], printed[0]) > 0:
        return None
    slack = limit // LETTER + _STRAY
    rows = [_first_row(printed, slack)]
    work = 0
    for i in range(1, len(wanted) + 1):
        row = [_NEVER] * (len(printed) + 1)
        first, last = max(0, i - slack), min(len(printed), i + slack)
        for j in range(first, last + 1):
            row[j] = _cell(rows, row, (i, j), wanted, printed)
        work += last - first + 1
        rows.append(row)
        if min(row) > limit:
            return None
    ends = [(rows[-1][end], end) for end, glyph in enumerate(printed, 1) if glyph.ends_word]
    cost, length = min(ends, default=(_NEVER, 0))
    return Alignment(cost, length, work) if cost <= limit else None


def _first_row(printed: Sequence[Glyph], slack: int) -> list[int]:
    row = [0]
    for glyph in printed[:slack]:
        row.append(min(_NEVER, row[-1] + _alone(glyph)))
    return row + [_NEVER] * (len(printed) + 1 - len(row))


def _cell(
    rows: Sequence[list[int]],
    row: list[int],
    at: tuple[int, int],
    wanted: Sequence[Glyph],
    printed: Sequence[Glyph],
) -> int:
    i, j = at
    left, up = wanted[i - 1], printed[j - 1] if j else None
    best = rows[i - 1][j] + _alone(left)
    if up is None:
        return min(best, _NEVER)
    best = min(best, row[j - 1] + _alone(up), rows[i - 1][j - 1] + _substitution(left, up))
    if i > 1 and _PAIRS.get((wanted[i - 2].text, left.text)) == up.text:
        best = min(best, rows[i - 2][j - 1])
    if j > 1 and _PAIRS.get((printed[j - 2].text, up.text)) == left.text:
        best = min(best, rows[i - 1][j - 2])
    return min(best, _NEVER)


def _alone(glyph: Glyph) -> int:
    if glyph.is_guarded:
        return _NEVER
    return LETTER if glyph.text.isalnum() else 1


def _substitution(left: Glyph, right: Glyph) -> int:
    if left.text == right.text:
        return 0
    group = _CLASS.get(left.text)
    if group is not None and group == _CLASS.get(right.text):
        # A letter within a word stands for no digit (the g of "stage" is no 6); the other way
        # round, a digit within a word is a letter.
        return 0 if right.is_guarded or not left.text.isdigit() else _NEVER
    if left.is_guarded or right.is_guarded:
        return _NEVER
    if left.text.isalnum() or right.text.isalnum():
        return LETTER
    return 1
