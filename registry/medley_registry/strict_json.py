"""JSON objects from outside, read so that no two parsers can disagree about them."""

import json
from math import isfinite
from typing import Never

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused


def parse_object(data: bytes, *, what: str) -> dict[str, Json]:
    """Read a JSON object in UTF-8, if every reader of JSON would read the same in it.

    NaN and infinity are not JSON. Halves of surrogate pairs, ``-0`` and numbers beyond a double
    are, but one reader takes them and the next does not.

    Raises:
        AdmissionRefused: by rule ``<what>-json``, or ``<what>-duplicate`` for a repeated key.
    """

    def without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key, value in pairs:
            if key in found:
                raise AdmissionRefused(f"{what}-duplicate", key, because="a key appears twice")
            found[key] = value
        return found

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
        if b"\\u" in data:  # halves of pairs can only be written as escapes
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise AdmissionRefused(f"{what}-json", str(error), because="not JSON") from error
    if not isinstance(value, dict):
        raise AdmissionRefused(f"{what}-json", value, because="not a JSON object")
    return value


def _refuse_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    if isfinite(value := float(text)):
        return value
    raise ValueError(f"{text} is beyond the range of a double")


def _integer(text: str) -> int:
    if text == "-0":
        raise ValueError("-0 is an integer to some readers and a fraction to others")
    return int(text)
