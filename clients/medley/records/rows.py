"""The five kinds of row. A field that is None is not in the document.

What is printed is a `Leaf`; what a reader concludes from the words around it (a status, an
assertion, "as needed") is a plain value of a closed list.
"""

import re
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from medley.records.leaf import Leaf

Comparator = Literal["<", "<=", ">", ">="]
_COMPARATOR = re.compile(r"\s*(<=|>=|<|>|≤|≥)")
_PLAIN = {"≤": "<=", "≥": ">="}


class MedicationStatus(StrEnum):
    ACTIVE = "active"
    NEW = "new"
    CHANGED = "changed"
    HELD = "held"
    DISCONTINUED = "discontinued"


class Assertion(StrEnum):
    """How a diagnosis is meant: the last two are not the patient's own, or not of today."""

    PRESENT = "present"
    ABSENT = "absent"
    POSSIBLE = "possible"
    FAMILY = "family"
    HISTORY = "history"


class Flag(StrEnum):
    """What the `value` of a flag can be."""

    HIGH = "high"
    LOW = "low"
    CRITICAL_HIGH = "critical_high"
    CRITICAL_LOW = "critical_low"


class Laterality(StrEnum):
    """What the `value` of a laterality can be."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"


class Row(BaseModel):
    """Something that the document names, with what it says about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Leaf


class Medication(Row):
    """A drug; `dose` is an amount with its unit, or the rate of an infusion.

    Attributes:
        prn: To be taken only as needed.
    """

    dose: Leaf | None = None
    route: Leaf | None = None
    frequency: Leaf | None = None
    prn: bool = False
    status: MedicationStatus = MedicationStatus.ACTIVE
    indication: Leaf | None = None


class Lab(Row):
    """A laboratory result; the `text` of a value has its comparator, the `value` has not."""

    value: Leaf
    unit: Leaf | None = None
    reference_range: Leaf | None = None
    flag: Leaf | None = Field(default=None, description="Its value is a Flag.")
    taken_at: Leaf | None = None

    @property
    def comparator(self) -> Comparator | None:
        """The sign before a result outside what can be measured, such as ``<`` in ``<0.5``."""
        found = _COMPARATOR.match(self.value.text)
        if found is None:
            return None
        sign: Comparator = _PLAIN.get(found[1], found[1])  # type: ignore[assignment]
        return sign


class Vital(Row):
    """A bedside measurement; the value of a blood pressure is ``systolic/diastolic``."""

    value: Leaf
    unit: Leaf | None = None
    taken_at: Leaf | None = None


class Diagnosis(Row):
    code: Leaf | None = None
    assertion: Assertion = Assertion.PRESENT


class Procedure(Row):
    laterality: Leaf | None = Field(default=None, description="Its value is a Laterality.")
    performed_on: Leaf | None = None
