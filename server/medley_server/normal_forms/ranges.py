"""Printed reference ranges."""

import re
from dataclasses import dataclass

from medley_server.normal_forms.conventions import DecimalMark
from medley_server.normal_forms.numbers import number_of
from medley_server.normal_forms.spelling import plain

_FRAME = re.compile(r"^(?:ref(?:erence)?(?: range)?|normal|norm|range|n)\.?:?\s+|[()\[\]]")
_BETWEEN = re.compile(r"(?<=[\d.,)])\s*(?:-|to|bis|until|\.\.\.?)\s*(?=[+-]?[\d.,])")
_UP_TO = re.compile(r"^(?:bis|up to|<=|to)\s*(?=[\d.,])")
_TRAILING_UNIT = re.compile(r"(?<=\d)\s*[^\d\s.,+-][^\d]*$")


@dataclass(frozen=True, slots=True)
class Range:
    """The limits as decimals; None is no limit on that side."""

    low: str | None = None
    high: str | None = None

    def __str__(self) -> str:
        """``3.5-5.1``, ``<200`` or ``>60``."""
        if self.low is None:
            return f"<{self.high}"
        return f">{self.low}" if self.high is None else f"{self.low}-{self.high}"


def range_of(text: str, mark: DecimalMark | None = None) -> Range | None:
    """The range that a text is; None where it is none or could be either of two."""
    bare = _TRAILING_UNIT.sub("", _FRAME.sub("", plain(text)).strip())
    sides = _BETWEEN.split(bare)
    if len(sides) == 2:
        low, high = (_limit(side, mark) for side in sides)
        return Range(low, high) if low and high else None
    number = number_of(_UP_TO.sub("<", bare), mark)
    if number is None or number.decimal is None:
        return None
    if number.comparator.startswith("<"):
        return Range(high=number.decimal)
    return Range(low=number.decimal) if number.comparator else None


def _limit(side: str, mark: DecimalMark | None) -> str | None:
    number = number_of(side, mark)
    return None if number is None or number.comparator else number.decimal
