"""RFC 8785 canonical JSON: one byte sequence per value, so that a value has one digest."""

import json
from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import TypeAlias

_quoted = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes a new one each time
_EXACT = 1 << 53  # up to here a double holds every integer, and they are written as they are

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def canonical_json(value: Json) -> bytes:
    """Serialise as RFC 8785 says: UTF-8, no white space, sorted keys, ECMAScript numbers.

    Raises:
        ValueError: for what I-JSON cannot carry: NaN, infinity, lone surrogates, integers that a
            double cannot hold exactly, keys that are no text, other types, endless nesting.
    """
    try:
        return _text(value).encode("utf-8")
    except (RecursionError, TypeError) as error:
        raise ValueError(f"JSON cannot carry it: {error}") from error


def _text(value: Json) -> str:
    match value:
        case str():
            return _quoted(value)
        case None | bool():
            return json.dumps(value)
        case int() | float():
            return _number(value)
        case list():
            return f"[{','.join(map(_text, value))}]"
        case dict():
            members = (f"{_quoted(key)}:{_text(value[key])}" for key in _sorted(value))
            return f"{{{','.join(members)}}}"
        case other:
            raise ValueError(f"{type(other).__name__} is no type of JSON")


def _sorted(keys: Iterable[str]) -> list[str]:
    """As the RFC sorts: by UTF-16 code units, which differs from code points above U+FFFF."""
    if "".join(keys).isascii():
        return sorted(keys)
    return sorted(keys, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 §6.1.6.1.20), on the shortest digits of `repr`."""
    if isinstance(value, int) and -_EXACT <= value <= _EXACT:
        return str(value)
    try:
        double = float(value)
    except OverflowError as error:
        raise ValueError("a number beyond the range of a double") from error
    if not isfinite(double) or double != value:
        raise ValueError(f"a double cannot hold {value} exactly")
    if double == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(double)).normalize().as_tuple()
    assert isinstance(exponent, int)
    minus = "-" if sign else ""
    text = "".join(map(str, digits))
    point = len(text) + exponent  # the decimal point stands after this many digits
    if exponent >= 0 and point <= 21:
        return minus + text + "0" * exponent
    if 0 < point <= 21:
        return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{text}"
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{minus}{text[0]}{fraction}e{point - 1:+d}"
