"""Printed numbers."""

import re
from dataclasses import dataclass
from decimal import Decimal

from medley_server.normal_forms.conventions import DecimalMark
from medley_server.normal_forms.spelling import plain

AMBIGUOUS = "the mark before three digits may part thousands or decimals"
_COMPARATORS = {
    "less than": "<",
    "more than": ">",
    "greater than": ">",
    "below": "<",
    "above": ">",
    "under": "<",
    "over": ">",
    "up to": "<=",
    "at least": ">=",
    "at most": "<=",
    "unter": "<",
    "über": ">",
    "uber": ">",
}
_COMPARATOR = re.compile(rf"(<=|>=|=<|=>|<|>|{'|'.join(_COMPARATORS)})\s*")
_POWER = re.compile(r"\s*(?:[x*]\s*10\s*[\^*e]|e)\s*([+-]?\d{1,2})$")
_DIGITS = re.compile(r"([+-]?)(\d[\d .,']*\d|\d|[.,]\d+)[.,]?$")
_MIRRORED = {"=<": "<=", "=>": ">="}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is printed.

    Attributes:
        decimal: With a point, all printed digits kept: 5.90 is more exact than 5.9. None where it
            could be either of two numbers.
        comparator: ``<``, ``<=``, ``>``, ``>=`` or nothing.
    """

    decimal: str | None
    comparator: str = ""

    @property
    def note(self) -> str | None:
        """Why there is no decimal."""
        return AMBIGUOUS if self.decimal is None else None


def number_of(text: str, mark: DecimalMark | None = None) -> Number | None:
    """The number that a text is; None where it is none.

    Args:
        text: Such as ``<0,5`` or ``1.5 x 10^3``.
        mark: The document's own decimal mark. Without it 1,234 is ambiguous, and 1.234 is taken
            as it is written everywhere that writes decimal points.
    """
    rest = plain(text)
    comparator = ""
    if found := _COMPARATOR.match(rest):
        word = found[1]
        comparator = _COMPARATORS.get(word) or _MIRRORED.get(word, word)
        rest = rest[found.end() :]
    power = _POWER.search(rest)
    found = _DIGITS.fullmatch(rest[: power.start()].strip() if power else rest)
    if found is None:
        return None
    sign, digits = found.groups()
    parts = _parts(digits, mark)
    if parts is None:
        return None
    if parts == ():
        return Number(None, comparator)
    decimal = ("-" if sign == "-" else "") + ".".join(part for part in parts if part)
    return Number(_raised(decimal, int(power[1])) if power else decimal, comparator)


def _raised(decimal: str, exponent: int) -> str:
    return f"{Decimal(decimal).scaleb(exponent):f}"


def _parts(digits: str, mark: DecimalMark | None) -> tuple[str, ...] | None:
    """What stands before and after the decimal mark; empty where it is ambiguous, None if wrong."""
    marks = [character for character in digits if character in ".,"]
    if " " in digits or "'" in digits:
        return _grouped(digits)
    if not marks:
        return (digits,)
    if len(set(marks)) > 1:  # 1,234.5: the last one is the decimal mark
        return _with_thousands(digits, marks[-1])
    if len(marks) > 1:  # 1,234,567
        whole = digits.split(marks[0])
        return ("".join(whole),) if _are_thousands(whole) else None
    return _with_one_mark(digits, marks[0], mark)


def _with_one_mark(digits: str, printed: str, mark: DecimalMark | None) -> tuple[str, ...] | None:
    whole, _, rest = digits.partition(printed)
    could_be_thousands = len(rest) == 3 and 0 < len(whole) <= 3 and whole[0] != "0"
    if could_be_thousands and mark is not None and mark != printed:
        return (whole + rest,)
    if could_be_thousands and mark is None and printed == ",":
        return ()
    return whole or "0", rest


def _with_thousands(digits: str, mark: str) -> tuple[str, ...] | None:
    whole, _, rest = digits.rpartition(mark)
    groups = whole.split("," if mark == "." else ".")
    return ("".join(groups), rest) if _are_thousands(groups) else None


def _grouped(digits: str) -> tuple[str, ...] | None:
    """Thousands parted by spaces or apostrophes, decimals after either mark."""
    whole, rest = digits, ""
    if found := re.search(r"[.,](\d+)$", digits):
        whole, rest = digits[: found.start()], found[1]
    groups = re.split(r"[ ']", whole)
    if not _are_thousands(groups):
        return None
    return "".join(groups), rest


def _are_thousands(groups: list[str]) -> bool:
    return 1 <= len(groups[0]) <= 3 and all(
        len(group) == 3 and group.isdigit() for group in groups[1:]
    )
