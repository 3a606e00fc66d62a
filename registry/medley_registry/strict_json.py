"""JSON objects from outside, read so that no two parsers can disagree about them."""

import json
from typing import Never

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused


def parse_object(data: bytes, *, what: str) -> dict[str, Json]:
    """Read a JSON object in UTF-8; NaN and infinity are not JSON.

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
        )
    except (ValueError, RecursionError) as error:
        raise AdmissionRefused(f"{what}-json", str(error), because="not JSON") from error
    if not isinstance(value, dict):
        raise AdmissionRefused(f"{what}-json", value, because="not a JSON object")
    return value


def _refuse_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
