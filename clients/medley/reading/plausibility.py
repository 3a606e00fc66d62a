"""Whether the text of a text layer is what a person would read there."""

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

from medley.pages import Word

_MAX_GARBAGE = 0.05
_MAX_HIDDEN = 0.2
_MIN_LETTERS = 60
_MARGIN = 0.25  # nats per letter by which a shifted alphabet must read better

# How frequent characters are, letters as in English prose: other languages in these letters, and
# tables of numbers, are near enough.
_FREQUENCY = dict(
    zip(
        "etaoinshrdlcumwfgypbvkjxqz",
        (12.7, 9.1, 8.2, 7.5, 7.0, 6.7, 6.3, 6.1, 6.0, 4.3, 4.0, 2.8, 2.8,
         2.4, 2.4, 2.2, 2.0, 2.0, 1.9, 1.5, 1.0, 0.8, 0.15, 0.15, 0.1, 0.07),
        strict=True,
    )
)  # fmt: skip
_FREQUENCY |= dict.fromkeys("0123456789", 3.0) | dict.fromkeys(".,-/:()%", 2.0)
_OTHER = 0.05
_SHIFTS = (*range(-31, 0), *range(1, 32))  # 32 is between capitals and small letters


def distrust(said: Sequence[Word], seen: Sequence[Word]) -> str | None:
    """Why a text is not to be believed, or None.

    Args:
        said: All words of the layer.
        seen: Those of them that can be seen on the page.
    """
    text = "".join(word.text for word in seen)
    all_characters = sum(max(len(word.text), 1) for word in said)
    if len(text) < (1 - _MAX_HIDDEN) * all_characters:
        return "much of the text cannot be seen"
    if _garbage(seen) > _MAX_GARBAGE:
        return "many characters are unknown"
    if _is_shifted(seen):
        return "the letters are shifted"
    return None


def _garbage(words: Sequence[Word]) -> float:
    bad = sum(unicodedata.category(c) in ("Co", "Cn", "Cc", "Cs") or c == "\ufffd"
              for word in words for c in word.text)  # fmt: skip
    return bad / max(sum(len(word.text) for word in words), 1)


def _is_shifted(words: Sequence[Word]) -> bool:
    """Whether fonts without a map have given each letter as another, some places further."""
    # Each word once, and no rows of the same sign: those are drawn lines.
    text = "".join({word.text for word in words if len(set(word.text)) > 1})
    counts = Counter(character for character in text if "!" <= character <= "\x7f")
    total = sum(counts.values())
    if total < _MIN_LETTERS or total < 0.5 * len(text):
        return False
    plain = _likeness(counts, 0)
    best = max(_SHIFTS, key=lambda shift: _likeness(counts, shift))
    letters = sum(n for c, n in counts.items() if chr(ord(c) + best).isalpha())
    return letters >= _MIN_LETTERS and _likeness(counts, best) > plain + _MARGIN


def _likeness(counts: Counter[str], shift: int) -> float:
    """Mean log-frequency of the letters, were each `shift` places further."""
    total = sum(counts.values())
    return (
        sum(
            n * math.log(_FREQUENCY.get(chr(max(ord(c) + shift, 0)).lower(), _OTHER))
            for c, n in counts.items()
        )
        / total
    )
