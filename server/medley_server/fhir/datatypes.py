"""Quantities, concepts and dates of R4."""

import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from medley.results import Code, Found

from medley_server.fhir.resource import Json

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
_PRECISION = "http://hl7.org/fhir/StructureDefinition/quantity-precision"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def quantity(
    number: str,
    *,
    printed: str | None = None,
    ucum: str | None = None,
    comparator: str | None = None,
) -> Json:
    """An amount; with system and code only where the unit is known.

    A JSON number does not keep the zeros of 5.90, so the printed precision stands beside it.
    """
    decimal = Decimal(number)
    places = len(number.partition(".")[2])
    made: Json = {}
    if places and number.endswith("0"):
        made["extension"] = [{"url": _PRECISION, "valueInteger": places}]
    made["value"] = float(decimal) if places else int(decimal)
    if comparator:
        made["comparator"] = comparator
    if printed or ucum:
        made["unit"] = printed or ucum
    if ucum:
        made |= {"system": UCUM, "code": ucum}
    return made


def concept(found: Found, code: Code | None = None) -> Json:
    """What is printed, with the code that belongs to it."""
    made: Json = {"text": found.text or found.value}
    if code is not None:
        coding = {"system": code.system, "code": code.code, "display": code.display}
        made["coding"] = [{name: value for name, value in coding.items() if value}]
    return made


def coded(system: str, code: str, display: str | None = None) -> Json:
    """A concept of HL7's own terminology."""
    coding = {"system": TERMINOLOGY + system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def loinc_of(vital: str | None) -> Code | None:
    """The code of a vital sign; None where the list does not have it."""
    known = _loinc().get(vital or "")
    return Code(system=LOINC, code=known[0], display=known[1]) if known else None


@cache
def _loinc() -> dict[str, Any]:
    text = files(__package__).joinpath("loinc.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["vitals"])


def day_of(found: Found | None) -> str | None:
    """The day of a moment; R4 takes no time of day without a time zone, which no page prints."""
    day = _DAY.match(found.value) if found else None
    return day[0] if day else None
