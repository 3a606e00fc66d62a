"""Printed units to UCUM.

Clinical spellings go first, because some of them are other units in UCUM: `K/uL` would be kelvin
per microlitre. What is not known is no unit; nothing is guessed from letters that happen to parse.
"""

from functools import cache
from typing import Any

from medley_server.normal_forms.spelling import plain, spellings

COUNTS = "G/L"
"""Giga per litre for cells; grams per litre, in capitals, for everything else."""
_INTERNATIONAL = {"U": "[IU]", "mU": "m[IU]", "uU": "u[IU]", "kU": "k[IU]"}
_NOT_CLINICAL = ("K", "{K}")


def ucum_of(
    text: str,
    *,
    section: str = "labs",
    is_international: bool = False,
    counts_cells: bool | None = None,
) -> str | None:
    """The UCUM unit that a text is; None where it is not known.

    Args:
        text: Such as ``K/uL`` or ``mcg/kg/min``.
        section: Of the record: beside a vital sign ``C`` is a temperature, and the ``units`` of a
            drug are international units.
        is_international: Whether ``mU/L`` counts international units, as for hormones.
        counts_cells: Whether what is measured are cells; it tells what ``G/L`` is.
    """
    if plain(text) == plain(COUNTS) and text.strip()[0] == "G":
        return {True: "10*9/L", False: "g/L", None: None}[counts_cells]
    unit = _ucum(plain(text).removesuffix(".") if len(text) > 3 else plain(text), section)
    if unit is None and _is_explicit(text.strip()):
        unit = text.strip()
    if unit is None or not is_ucum(unit):
        return None
    return _international(unit, section, is_international=is_international)


def _international(unit: str, section: str, *, is_international: bool) -> str:
    first, slash, rest = unit.partition("/")
    if section == "medications" and first in ("U", "[IU]"):
        return "[iU]" + slash + rest
    if is_international:
        return _INTERNATIONAL.get(first, first) + slash + rest
    return unit


@cache
def _ucum(text: str, section: str) -> str | None:
    whole = spellings("units", "whole")
    if text in whole:
        return whole[text]
    closed = text.replace(" ", "")
    if closed in whole:
        return whole[closed]
    if section == "vitals" and text in spellings("units", "vitals"):
        return spellings("units", "vitals")[text]
    parts = [part.strip() for part in text.replace(" per ", "/").split("/")]
    known = [_part(part, is_first=index == 0) for index, part in enumerate(parts)]
    return None if None in known else "/".join(str(part) for part in known)


def _part(part: str, *, is_first: bool) -> str | None:
    if part == "" and is_first:
        return ""
    return spellings("units", "parts").get(part)


def _is_explicit(text: str) -> bool:
    """Whether a text is UCUM on purpose: it has marks that no other spelling has."""
    return any(mark in text for mark in "[]{}*") and not _has_kelvin(text)


def _has_kelvin(text: str) -> bool:
    return any(
        part.strip("0123456789") in _NOT_CLINICAL for part in text.replace(".", "/").split("/")
    )


@cache
def is_ucum(unit: str) -> bool:
    """Whether UCUM's own grammar has the unit."""
    from lark.exceptions import LarkError

    try:
        _parser().parse(unit)
    except LarkError:
        return False
    return True


@cache
def _parser() -> Any:
    from ucumvert import get_ucum_parser  # type: ignore[import-untyped]

    return get_ucum_parser()
