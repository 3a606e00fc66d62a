"""RFC 8785 canonical JSON: one byte sequence per value, so that a value has one digest."""

import json
from decimal import Decimal
from math import isfinite
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def canonical_json(value: Json) -> bytes:
    """Serialise as RFC 8785 says: UTF-8, no white space, sorted keys, ECMAScript numbers.

    Raises:
        ValueError: for what I-JSON cannot carry: NaN, infinity, lone surrogates, and integers
            that a double cannot hold exactly.
    """
    return _text(value).encode("utf-8")


def _text(value: Json) -> str:
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int() | float():
            return _number(value)
        case list():
            return f"[{','.join(map(_text, value))}]"
        case dict():
            # The RFC sorts by UTF-16 code units, which differs from code points above U+FFFF.
            keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
            return f"{{{','.join(f'{_text(key)}:{_text(value[key])}' for key in keys)}}}"


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 §6.1.6.1.20), on the shortest digits of `repr`."""
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
