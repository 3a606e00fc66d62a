"""The medical record that a document holds: the types that server, SDK and training share.

They need pydantic and nothing else. Where a value stands on the page is no part of them: it is
kept beside the record, under the path that `MedicalRecord.leaves` gives each value.
"""

from medley.records.document_type import DocumentType
from medley.records.leaf import Leaf
from medley.records.record import SECTIONS, MedicalRecord
from medley.records.rows import (
    Assertion,
    Diagnosis,
    Flag,
    Lab,
    Laterality,
    Medication,
    MedicationStatus,
    Procedure,
    Row,
    Vital,
)

__all__ = [
    "SECTIONS",
    "Assertion",
    "Diagnosis",
    "DocumentType",
    "Flag",
    "Lab",
    "Laterality",
    "Leaf",
    "MedicalRecord",
    "Medication",
    "MedicationStatus",
    "Procedure",
    "Row",
    "Vital",
]
