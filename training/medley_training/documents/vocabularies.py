"""Larger vocabularies out of public files: Orange Book, Disease Ontology, MIMIC's labels.

A folder holds, each in a folder of its own, any of:

- ``orange-book/*.zip`` (FDA) with ``products.txt``: drugs with their marketed strengths and routes
- ``disease-ontology/ICD10inDO.tsv``: diagnoses with their ICD-10-CM codes
- ``mimic-code/d_labitems_to_loinc.csv``: laboratory tests with their units

What they hold is added to the compact lexicon; where both know a thing, the compact one is kept,
because its entries are complete.
"""

import csv
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from io import TextIOWrapper
from pathlib import Path
from typing import TypeVar

from medley_training.documents.lexicon import (
    Condition,
    Drug,
    Lexicon,
    Measure,
    Term,
    Unit,
    compact_lexicon,
)
from medley_training.errors import BadSource

TermT = TypeVar("TermT", bound=Term)

LONGEST_NAME = 45
"""Longer names are left out: they are lists of findings rather than names."""
MANY_RESULTS = 500
"""A laboratory test with fewer results than this in MIMIC-IV is too rare to be printed."""

ROUTES = {
    "ORAL": "oral",
    "SUBLINGUAL": "sublingual",
    "TOPICAL": "topical",
    "TRANSDERMAL": "transdermal",
    "RECTAL": "rectal",
    "OPHTHALMIC": "ophthalmic",
    "NASAL": "nasal",
    "VAGINAL": "vaginal",
    "INHALATION": "inhaled",
    "SUBCUTANEOUS": "subcutaneous",
}
# The Orange Book does not say how often a drug is taken; these are usual for the route.
FREQUENCIES = {
    "oral": ("once_daily", "twice_daily", "three_times_daily", "at_night"),
    "transdermal": ("every_72_hours", "once_weekly"),
}
USUAL = ("once_daily", "twice_daily")
_STRENGTH = re.compile(r"(?:EQ )?(\d*\.?\d+)(MG|MCG|GM|%|UNITS)(/HR)?(?: BASE)?")
_AMOUNTS = {"MG": "mg", "MCG": "mcg", "GM": "g", "%": "%", "UNITS": "units"}
_ICD = re.compile(r"ICD10CM:([A-Z]\d[0-9A-Z](?:\.[0-9A-Z]+)?)\b")

# What results in a unit can look like: UCUM, digits, from, to. No reference ranges are published
# with the labels, so none are printed for these tests.
RESULTS = {
    "%": ("%", 1, 0.5, 92.0),
    "mg/dL": ("mg/dL", 0, 12.0, 380.0),
    "mEq/L": ("meq/L", 0, 8.0, 140.0),
    "ng/mL": ("ng/mL", 1, 0.4, 120.0),
    "ug/mL": ("ug/mL", 1, 0.5, 60.0),
    "K/uL": ("10*3/uL", 2, 0.05, 14.0),
    "m/uL": ("10*6/uL", 2, 2.1, 6.2),
    "IU/L": ("[IU]/L", 0, 6.0, 420.0),
    "g/dL": ("g/dL", 1, 0.8, 16.0),
    "ug/dL": ("ug/dL", 0, 12.0, 240.0),
    "pg/mL": ("pg/mL", 0, 8.0, 900.0),
    "mmol/L": ("mmol/L", 1, 0.5, 28.0),
    "mg/L": ("mg/L", 1, 0.3, 90.0),
    "ng/dL": ("ng/dL", 0, 20.0, 780.0),
    "mm/hr": ("mm/h", 0, 2.0, 110.0),
    "umol/L": ("umol/L", 0, 9.0, 260.0),
    "pg": ("pg", 1, 22.0, 36.0),
    "sec": ("s", 1, 9.0, 48.0),
}


def larger_lexicon(folder: Path) -> Lexicon:
    """The compact lexicon with all that the files under `folder` add to it.

    Raises:
        BadSource: None of the files is there, or one is not in its form.
    """
    compact = compact_lexicon()
    books = sorted(folder.glob("orange-book/*.zip"))
    diseases = folder / "disease-ontology" / "ICD10inDO.tsv"
    labels = folder / "mimic-code" / "d_labitems_to_loinc.csv"
    if not books and not diseases.exists() and not labels.exists():
        raise BadSource(
            f"{folder} holds no vocabulary: expected orange-book/*.zip,"
            f" disease-ontology/{diseases.name} or mimic-code/{labels.name}"
        )
    drugs = [drug for book in books for drug in _reading(_drugs, book)]
    conditions = _reading(_conditions, diseases) if diseases.exists() else []
    labs = _reading(_labs, labels) if labels.exists() else []
    return replace(
        compact,
        drugs=_joined(compact.drugs, drugs),
        diagnoses=_joined(compact.diagnoses, conditions),
        labs=_joined(compact.labs, labs),
    )


def _reading(read: Callable[[Path], Iterator[TermT]], path: Path) -> list[TermT]:
    try:
        return list(read(path))
    except (OSError, zipfile.BadZipFile, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise BadSource(f"{path}: {error}") from error
    except KeyError as error:
        raise BadSource(f"{path} has no {error.args[0]}") from error


def _joined(known: Iterable[TermT], found: Iterable[TermT]) -> tuple[TermT, ...]:
    """`known`, then what is new in `found`, sorted by name."""
    terms = list(known)
    names = {name.casefold() for term in terms for name in (term.name, term.short) if name}
    new = {term.name: term for term in found if term.name.casefold() not in names}
    return (*terms, *(new[name] for name in sorted(new)))


def _is_name(name: str) -> bool:
    """Short, without marks that would end or split a value, and in letters that a PDF font has."""
    is_plain = not set(name) & set('|;:[](){}<>"/,')
    return is_plain and 2 < len(name) <= LONGEST_NAME and name.isascii()


def _drugs(book: Path) -> Iterator[Drug]:
    strengths: dict[tuple[str, str], dict[str, None]] = {}
    brands: dict[tuple[str, str], str] = {}
    for row in _products(book):
        name, route = row["Ingredient"].lower(), ROUTES.get(row["DF;Route"].rpartition(";")[2])
        strength = _STRENGTH.fullmatch(row["Strength"])
        if row["Type"] == "DISCN" or route is None or strength is None or not _is_name(name):
            continue
        amount, unit, rate = strength.groups()
        amount = f"0{amount}" if amount.startswith(".") else amount
        text = f"{amount} {_AMOUNTS[unit]}{'/h' if rate else ''}"
        strengths.setdefault((name, route), {})[text] = None
        trade = row["Trade_Name"].title()
        if row["RLD"] == "Yes" and trade.lower() != name and _is_name(trade):
            brands.setdefault((name, route), trade)
    for (name, route), texts in strengths.items():
        yield Drug(
            name=name,
            brand=brands.get((name, route)),
            route=route,
            strengths=tuple(texts),
            frequencies=FREQUENCIES.get(route, USUAL),
        )


def _products(book: Path) -> Iterator[Mapping[str, str]]:
    with zipfile.ZipFile(book) as files, files.open("products.txt") as raw:
        lines = TextIOWrapper(raw, encoding="latin-1", newline="")
        yield from csv.DictReader(lines, delimiter="~", quoting=csv.QUOTE_NONE, strict=True)


def _conditions(path: Path) -> Iterator[Condition]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            code = _ICD.search(row["xrefs"])
            if code and _is_name(row["label"]):
                yield Condition(name=row["label"], code=code[1])


def _labs(path: Path) -> Iterator[Measure]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            unit = RESULTS.get(row["valueuom"])
            is_common = int(row["labevents_row_count"] or 0) >= MANY_RESULTS
            if row["fluid"] == "Blood" and unit and is_common and _is_name(row["label"]):
                yield _lab(row["label"], row["valueuom"], unit)


def _lab(label: str, unit: str, result: tuple[str, int, float, float]) -> Measure:
    ucum, digits, low, high = result
    return Measure(
        name=label,
        group="other",
        customary=Unit(unit=unit, ucum=ucum, digits=digits),
        si=None,
        low=low,
        high=high,
        min=low,
        max=high,
        has_reference=False,
    )
