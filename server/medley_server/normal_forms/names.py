"""What analytes, vital signs and drugs are called."""

from medley_server.normal_forms.spelling import plain, spellings, table

_HORMONES = frozenset(
    {"thyroid stimulating hormone", "human chorionic gonadotropin", "parathyroid hormone"}
)
_CELLS = ("blood cell count", "platelet count", "neutrophil", "lymphocyte", "eosinophil")
_RESPIRATORY, _PRESSURE = "respiratory rate", "blood pressure"


def lab_name(text: str) -> str | None:
    """The full name of an analyte; None where it is not known."""
    return spellings("names", "labs").get(plain(text))


def vital_name(text: str, value: str = "") -> str | None:
    """The full name of a vital sign; None where it is not known.

    Args:
        text: As printed.
        value: The printed value. ``RR`` is a respiratory rate in English and a blood pressure
            (Riva-Rocci) in German; only the latter has a slash.
    """
    if plain(text) == "rr":
        return _PRESSURE if "/" in value else (_RESPIRATORY if value else None)
    return spellings("names", "vitals").get(plain(text))


def drug_name(text: str) -> str | None:
    """The generic name of a drug; None where it is not known."""
    return spellings("names", "drugs").get(plain(text))


def counts_international_units(analyte: str | None) -> bool:
    """Whether laboratories print ``mU/L`` of it and mean milli-international units."""
    return analyte in _HORMONES


def counts_cells(analyte: str | None) -> bool | None:
    """Whether it is a number of cells; None for an analyte that is not known."""
    return None if analyte is None else any(part in analyte for part in _CELLS)


def known_names(section: str) -> frozenset[str]:
    """All full names of ``labs``, ``vitals`` or ``drugs``."""
    return frozenset(table("names")[section])
