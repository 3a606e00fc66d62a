"""A made-up patient's facts, before any site has put them into words.

Amounts are in customary units, times are datetimes. A fact that is None was not written down: the
truth holds nothing there, and a reader who fills it in has invented it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from medley.records import Assertion, DocumentType, Laterality, MedicationStatus

from medley_training.documents.lexicon import Condition, Drug, Measure, Operation

Length = Literal["short", "full"]
"""A few rows, to learn from as text; or as many as real paperwork has, often on several pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    surname: str
    given: str
    is_female: bool
    born: date
    mrn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MedicationFact:
    drug: Drug
    strength: str | None
    route: str | None
    frequency: str | None
    prn: bool
    indication: str | None
    status: MedicationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A result in the customary unit; `second` is the diastolic part of a blood pressure."""

    measure: Measure
    amount: float
    second: float | None
    comparator: str
    has_range: bool
    taken_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisFact:
    condition: Condition
    assertion: Assertion
    relative: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureFact:
    operation: Operation
    laterality: Laterality | None
    performed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that one document will say."""

    document_type: DocumentType
    length: Length
    patient: Patient
    author: str
    allergies: str
    written: datetime
    medications: tuple[MedicationFact, ...]
    labs: tuple[Measurement, ...]
    vitals: tuple[Measurement, ...]
    diagnoses: tuple[DiagnosisFact, ...]
    procedures: tuple[ProcedureFact, ...]
