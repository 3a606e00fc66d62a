"""The rows of an answer: those of `medley.records`, with every value `Found`."""

from pydantic import BaseModel, ConfigDict

from medley.results.found import Code, Found


class FoundRow(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: Found
    code: Code | None = None


class FoundMedication(FoundRow):
    dose: Found | None = None
    route: Found | None = None
    frequency: Found | None = None
    prn: bool = False
    status: Found | None = None
    indication: Found | None = None


class FoundLab(FoundRow):
    """A laboratory result.

    Attributes:
        value_decimal: The number alone, as text: a float would not keep what is printed.
        comparator: ``<``, ``<=``, ``>`` or ``>=`` before it.
        unit_ucum: The unit in UCUM, where the printed one is known.
    """

    value: Found | None = None
    value_decimal: str | None = None
    comparator: str | None = None
    unit: Found | None = None
    unit_ucum: str | None = None
    reference_range: Found | None = None
    flag: Found | None = None
    taken_at: Found | None = None


class FoundVital(FoundRow):
    """A bedside measurement; the value of a blood pressure is ``systolic/diastolic``."""

    value: Found | None = None
    value_decimal: str | None = None
    unit: Found | None = None
    unit_ucum: str | None = None
    taken_at: Found | None = None


class FoundDiagnosis(FoundRow):
    printed_code: Found | None = None
    assertion: Found | None = None


class FoundProcedure(FoundRow):
    laterality: Found | None = None
    performed_on: Found | None = None


class FoundRecord(BaseModel):
    """Each list in the order of the pages."""

    model_config = ConfigDict(frozen=True)

    medications: tuple[FoundMedication, ...] = ()
    labs: tuple[FoundLab, ...] = ()
    vitals: tuple[FoundVital, ...] = ()
    diagnoses: tuple[FoundDiagnosis, ...] = ()
    procedures: tuple[FoundProcedure, ...] = ()
