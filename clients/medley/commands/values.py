"""Every value of an extraction under the name that people know it by."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medley.results import Extraction, Found

SURE_FROM = 0.8


class Trust(StrEnum):
    """How a value is shown.

    Attributes:
        SURE: Found on the page, and the model was sure.
        UNSURE: Nobody asks to look at it, and it is less than sure.
        REVIEW: A person should look at it before it is used.
    """

    SURE = "sure"
    UNSURE = "less sure"
    REVIEW = "to be reviewed"


@dataclass(frozen=True, slots=True)
class Value:
    """A value; ``path`` is such as ``labs[0].value``, or a JSON pointer in the caller's data."""

    path: str
    found: "Found"

    @property
    def trust(self) -> Trust:
        if self.found.review:
            return Trust.REVIEW
        confidence = self.found.confidence
        is_sure = confidence is not None and confidence >= SURE_FROM
        return Trust.SURE if is_sure else Trust.UNSURE


def values_of(extraction: "Extraction") -> tuple[Value, ...]:
    """All values in the order of the answer."""
    return (*_of_record(extraction), *_of_data(extraction))


def _of_record(extraction: "Extraction") -> Iterator[Value]:
    from medley.results import Found

    record = extraction.record
    if record is None:
        return
    for section in type(record).model_fields:
        for number, row in enumerate(getattr(record, section)):
            for field in type(row).model_fields:
                if isinstance(found := getattr(row, field), Found):
                    yield Value(f"{section}[{number}].{field}", found)


def _of_data(extraction: "Extraction") -> Iterator[Value]:
    from medley.results import Found

    for pointer, place in extraction.places.items():
        yield Value(pointer, Found.model_validate(place))
