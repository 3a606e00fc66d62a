"""The kinds of document that are read."""

from enum import StrEnum


class DocumentType(StrEnum):
    MEDICATION_RECONCILIATION = "medication_reconciliation"
    ICU_FLOWSHEET = "icu_flowsheet"
    CARDIOLOGY_CONSULTATION = "cardiology_consultation"
    LAB_PANEL = "lab_panel"
    OPERATIVE_NOTE = "operative_note"
