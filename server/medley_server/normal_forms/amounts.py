"""Amounts of drugs: a number with its unit."""

import re
from dataclasses import dataclass

from medley_server.normal_forms.conventions import DecimalMark
from medley_server.normal_forms.numbers import AMBIGUOUS, number_of
from medley_server.normal_forms.spelling import plain
from medley_server.normal_forms.units import ucum_of

_AMOUNT = re.compile(r"([<>=]*\s*[+-]?[\d.,][\d., ']*?)\s*-?\s*([^\d\s.,'-].*)")
_BETWEEN = re.compile(r"([\d.,]+)\s*(?:-|to|bis)\s*([\d.,]+.*)")


@dataclass(frozen=True, slots=True)
class UcumAmount:
    """A dose.

    Attributes:
        decimal: None where it could be either of two numbers.
        unit: In UCUM; None where it is not known.
        upper: The larger number of a range such as ``5-10 mg``.
    """

    decimal: str | None
    unit: str | None
    upper: str | None = None

    @property
    def note(self) -> str | None:
        """Why there is no normal form."""
        return AMBIGUOUS if self.decimal is None else None

    def __str__(self) -> str:
        """``2.5 mg``, ``5-10 mg``."""
        upper = f"-{self.upper}" if self.upper else ""
        return f"{self.decimal}{upper} {self.unit}"


def dose_of(text: str, mark: DecimalMark | None = None) -> UcumAmount | None:
    """The amount that a text is; None where it is none, or has more in it than one."""
    bare = plain(text)
    lower = None
    if found := _BETWEEN.fullmatch(bare):
        lower, bare = found[1], found[2]
    amount = _AMOUNT.fullmatch(bare)
    number = number_of(amount[1], mark) if amount else None
    if amount is None or number is None or number.comparator:
        return None
    unit = ucum_of(amount[2], section="medications")
    if unit is None:
        return None
    if lower is None:
        return UcumAmount(number.decimal, unit)
    first = number_of(lower, mark)
    return UcumAmount(first.decimal, unit, number.decimal) if first and number.decimal else None
