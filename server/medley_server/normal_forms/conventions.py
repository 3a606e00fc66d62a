"""How a document writes decimals and dates, as far as its own text settles it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

DecimalMark = Literal[".", ","]
DateOrder = Literal["dmy", "mdy"]

_CLEAR = 4
"""One way of writing must be so many times as frequent as the other: a misprint decides nothing."""
_FEW_DIGITS = r"(?:\d{1,2}|\d{4,})"
_COMMA = re.compile(rf"(?<![\d.,])(?:0,\d+|\d+,{_FEW_DIGITS})(?![\d.,]?\d)")
_POINT = re.compile(rf"(?<![\d.,])(?:0\.\d+|\d+\.{_FEW_DIGITS})(?![\d.,]?\d)")
_SLASHED = re.compile(r"(?<![\d/.-])(\d{1,2})([/-])(\d{1,2})\2(?:\d{4}|\d{2})(?![\d/.-])")
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Conventions:
    """How one document writes; None is not settled.

    Attributes:
        decimal_mark: What stands before decimals. It tells 1,234 from 1.234.
        date_order: Whether 03/04/2024 is in April or in March.
    """

    decimal_mark: DecimalMark | None = None
    date_order: DateOrder | None = None

    @classmethod
    def of(cls, text: str) -> "Conventions":
        """What all of a document's text settles."""
        return cls(_decimal_mark(text), _date_order(text))


def _decimal_mark(text: str) -> DecimalMark | None:
    winner = _clear_winner((len(_COMMA.findall(text)), len(_POINT.findall(text))))
    marks: tuple[DecimalMark, DecimalMark] = (",", ".")
    return None if winner is None else marks[winner]


def _date_order(text: str) -> DateOrder | None:
    dates = [(int(found[1]), int(found[3])) for found in _SLASHED.finditer(text)]
    day_first = sum(first > _MONTHS >= second for first, second in dates)
    month_first = sum(second > _MONTHS >= first for first, second in dates)
    winner = _clear_winner((day_first, month_first))
    orders: tuple[DateOrder, DateOrder] = ("dmy", "mdy")
    return None if winner is None else orders[winner]


def _clear_winner(counts: Sequence[int]) -> int | None:
    first, second = counts
    if first and first >= _CLEAR * second:
        return 0
    return 1 if second and second >= _CLEAR * first else None
