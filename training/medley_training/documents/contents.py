"""What the five types of document contain: which lists, how many rows, from which service."""

from medley.records import DocumentType

from medley_training.documents.case import Length

Counts = dict[str, tuple[int, int]]
COUNTS: dict[DocumentType, dict[Length, Counts]] = {
    DocumentType.MEDICATION_RECONCILIATION: {
        "short": {"medications": (3, 4)},
        "full": {"medications": (8, 16), "diagnoses": (3, 5), "vitals": (2, 3)},
    },
    DocumentType.ICU_FLOWSHEET: {
        "short": {"vitals": (3, 4), "infusions": (1, 1), "labs": (0, 1)},
        "full": {
            "vitals": (8, 10),
            "infusions": (2, 4),
            "labs": (4, 8),
            "diagnoses": (2, 4),
            "procedures": (1, 2),
        },
    },
    DocumentType.CARDIOLOGY_CONSULTATION: {
        "short": {"diagnoses": (3, 4), "vitals": (0, 1), "labs": (0, 1), "medications": (0, 1)},
        "full": {
            "diagnoses": (6, 9),
            "vitals": (4, 5),
            "labs": (4, 6),
            "medications": (4, 7),
            "procedures": (1, 3),
        },
    },
    DocumentType.LAB_PANEL: {
        "short": {"labs": (3, 4)},
        "full": {"labs": (16, 36), "diagnoses": (0, 1)},
    },
    DocumentType.OPERATIVE_NOTE: {
        "short": {"procedures": (1, 1), "diagnoses": (1, 2), "medications": (0, 2)},
        "full": {
            "procedures": (1, 2),
            "diagnoses": (2, 4),
            "medications": (2, 4),
            "vitals": (2, 4),
            "labs": (1, 3),
        },
    },
}
"""How many rows of each list a document has: from, to."""

PANELS = {
    DocumentType.CARDIOLOGY_CONSULTATION: {"cardiac", "lipids", "coagulation", "chemistry"},
    DocumentType.OPERATIVE_NOTE: {"blood count", "coagulation", "chemistry"},
    DocumentType.ICU_FLOWSHEET: {
        "blood count",
        "blood gas",
        "chemistry",
        "coagulation",
        "inflammation",
        "liver",
    },
}
"""The laboratory panels that a document asks for, where not all."""

SERVICES = {
    DocumentType.MEDICATION_RECONCILIATION: "general",
    DocumentType.ICU_FLOWSHEET: "critical",
    DocumentType.CARDIOLOGY_CONSULTATION: "cardiac",
    DocumentType.LAB_PANEL: "general",
    DocumentType.OPERATIVE_NOTE: "surgical",
}

ORDER = {
    DocumentType.MEDICATION_RECONCILIATION: ("diagnoses", "vitals", "medications"),
    DocumentType.ICU_FLOWSHEET: ("diagnoses", "vitals", "medications", "labs", "procedures"),
    DocumentType.CARDIOLOGY_CONSULTATION: (
        "diagnoses",
        "vitals",
        "labs",
        "procedures",
        "medications",
    ),
    DocumentType.LAB_PANEL: ("diagnoses", "labs"),
    DocumentType.OPERATIVE_NOTE: ("diagnoses", "procedures", "medications", "vitals", "labs"),
}
HAS_ALLERGIES = (DocumentType.MEDICATION_RECONCILIATION, DocumentType.OPERATIVE_NOTE)
