"""Which of the known types a document is, told from its first lines and from what was found."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from medley.pages import Page
from medley.records import SECTIONS, DocumentType
from medley.segments import lines_of

_MOST_LINES = 8
_WORD = 3.0

WORDS: Mapping[DocumentType, str] = {
    DocumentType.MEDICATION_RECONCILIATION: (
        r"medications?|reconciliation|med rec|medicines|prescri\w+|discharge drugs|drug chart"
    ),
    DocumentType.ICU_FLOWSHEET: (
        r"icu|intensive|critical care|flow ?sheet|ventilator|observation chart|itu"
    ),
    DocumentType.CARDIOLOGY_CONSULTATION: (
        r"cardiology|cardiac|heart|echocardiogra\w+|consultation|consult|clinic letter"
    ),
    DocumentType.LAB_PANEL: (
        r"lab(?:oratory|s)?|pathology|results?|panel|biochemistry|ha?ematology|chemistry|specimen"
    ),
    DocumentType.OPERATIVE_NOTE: (
        r"operati(?:ve|on)|surg\w+|theatre|procedure note|pre-?operative|post-?operative"
    ),
}
"""What the first lines of a document of each type tend to say."""

SHARES: Mapping[DocumentType, Mapping[str, float]] = {
    DocumentType.MEDICATION_RECONCILIATION: {"medications": 0.75, "diagnoses": 0.2},
    DocumentType.ICU_FLOWSHEET: {"vitals": 0.65, "labs": 0.15, "medications": 0.1},
    DocumentType.CARDIOLOGY_CONSULTATION: {
        "diagnoses": 0.35,
        "vitals": 0.2,
        "labs": 0.2,
        "medications": 0.2,
    },
    DocumentType.LAB_PANEL: {"labs": 0.95},
    DocumentType.OPERATIVE_NOTE: {"procedures": 0.35, "diagnoses": 0.3, "medications": 0.2},
}
"""The share of rows that a document of each type has of each list, roughly."""

EXPECTED: Mapping[DocumentType, Sequence[str]] = {
    DocumentType.MEDICATION_RECONCILIATION: ("medications",),
    DocumentType.ICU_FLOWSHEET: ("vitals",),
    DocumentType.CARDIOLOGY_CONSULTATION: ("diagnoses",),
    DocumentType.LAB_PANEL: ("labs",),
    DocumentType.OPERATIVE_NOTE: ("diagnoses", "procedures"),
}
"""The lists without which a document of each type is not whole."""

_LEAST_SHARE = 0.02
_PATTERNS = {kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in WORDS.items()}


def judge(pages: Iterable[Page], rows: Counter[str]) -> tuple[DocumentType, float] | None:
    """The likeliest type and its share of the evidence; None where there is none at all.

    Each word of a type in the first lines counts as much as a handful of its rows. The share is a
    rough measure for a person, and no calibrated probability.
    """
    said = _said(pages)
    total = sum(rows[section] for section in SECTIONS)
    if total == 0 and not any(said.values()):
        return None
    weight = min(total, 5) / total if total else 0.0
    logs = {
        kind: _WORD * said[kind]
        + weight
        * sum(
            rows[section] * math.log(SHARES[kind].get(section, _LEAST_SHARE))
            for section in SECTIONS
        )
        for kind in DocumentType
    }
    best = max(logs, key=lambda kind: logs[kind])
    whole = sum(math.exp(value - logs[best]) for value in logs.values())
    return best, round(1 / whole, 3)


def _said(pages: Iterable[Page]) -> dict[DocumentType, int]:
    """How many different words of each type the first lines of the first page have."""
    page = next(iter(pages), None)
    lines = lines_of(page)[:_MOST_LINES] if page else ()
    text = "\n".join(line.text for line in lines).lower()
    return {kind: len(set(pattern.findall(text))) for kind, pattern in _PATTERNS.items()}
