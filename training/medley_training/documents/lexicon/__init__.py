"""The vocabulary of documents: drugs, laboratory tests, vitals, diagnoses, procedures.

A compact one ships as TOML files beside this module; `documents.vocabularies` reads larger ones.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Vocabulary = Literal["full", "short", "british", "continental"]
CUSTOMARY_TO_SI = 10  # mg/dL over g/mol is 0.01 mol/m3; ten of them are a mmol/L


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What a thing is called: by its full name, and by the names that some sites prefer."""

    name: str
    short: str | None = None
    british: str | None = None
    continental: str | None = None

    def called(self, vocabulary: Vocabulary) -> str:
        """The name in a vocabulary; the full one where that has no other."""
        return (None if vocabulary == "full" else getattr(self, vocabulary)) or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Drug(Term):
    """A drug by one route.

    Attributes:
        strengths: Marketed amounts, such as ``500 mg``; rates where the group is ``infusion``.
        frequencies: Keys of a style's ``frequencies``.
        prn: What it is taken for when it is taken only as needed.
        group: ``home``, ``infusion`` or ``theatre``.
    """

    route: str
    strengths: tuple[str, ...]
    frequencies: tuple[str, ...]
    brand: str | None = None
    indication: str | None = None
    prn: str | None = None
    group: str = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a quantity is printed: ``printed = scale * customary + offset``, to so many digits."""

    unit: str | None
    ucum: str | None
    digits: int
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure(Term):
    """Something measured, with its customary unit and, where there is one, its SI unit.

    Attributes:
        low, high: The reference range, or for a vital what most patients show.
        min, max: What may be drawn.
        below, above: Beyond these a laboratory reports only ``<`` or ``>``.
        group: The panel of a laboratory test; where a vital is measured.
        has_reference: Whether `low` and `high` are a range that a laboratory would print.
    """

    group: str
    customary: Unit
    si: Unit | None
    low: float
    high: float
    min: float
    max: float
    below: float | None = None
    above: float | None = None
    has_reference: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Term):
    """A diagnosis with its ICD-10-CM code."""

    code: str | None = None
    service: str = "general"
    runs_in_families: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Term):
    """A procedure; `diagnosis` is the full name of what it is done for."""

    service: str
    diagnosis: str | None = None
    sided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Everything that a document can name."""

    drugs: tuple[Drug, ...]
    labs: tuple[Measure, ...]
    vitals: tuple[Measure, ...]
    diagnoses: tuple[Condition, ...]
    procedures: tuple[Operation, ...]
    people: Mapping[str, tuple[str, ...]]


@cache
def compact_lexicon() -> Lexicon:
    """The vocabulary that ships with the package."""
    return Lexicon(
        drugs=tuple(Drug(**_tuples(drug)) for drug in _read("drugs")["drug"]),
        labs=tuple(_measure(lab, "panel") for lab in _read("labs")["lab"]),
        vitals=tuple(_measure(vital, "where") for vital in _read("vitals")["vital"]),
        diagnoses=tuple(Condition(**diagnosis) for diagnosis in _read("diagnoses")["diagnosis"]),
        procedures=tuple(Operation(**one) for one in _read("procedures")["procedure"]),
        people=_tuples(_read("people")),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _measure(entry: Mapping[str, Any], group: str) -> Measure:
    own = dict(entry)
    customary = Unit(
        unit=own.pop("unit", None), ucum=own.pop("ucum", None), digits=own.pop("digits")
    )
    molar_mass, si = own.pop("molar_mass", None), own.pop("si", None)
    return Measure(
        group=own.pop(group),
        customary=customary,
        si=_si_unit(si, molar_mass) if si else None,
        **own,
    )


def _si_unit(entry: Mapping[str, Any], molar_mass: float | None) -> Unit:
    if molar_mass is None:
        return Unit(**entry)
    scale = CUSTOMARY_TO_SI / molar_mass * (1000 if entry["unit"] == "umol/L" else 1)
    return Unit(scale=scale, **entry)
