"""The whole of what one document says."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from medley.records.document_type import DocumentType
from medley.records.leaf import Leaf
from medley.records.rows import Diagnosis, Lab, Medication, Procedure, Row, Vital

SECTIONS = ("medications", "labs", "vitals", "diagnoses", "procedures")
"""The lists of a record, in the order in which they are written."""


class MedicalRecord(BaseModel):
    """A document's type and its rows, each list in the order of the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_type: DocumentType
    medications: tuple[Medication, ...] = ()
    labs: tuple[Lab, ...] = ()
    vitals: tuple[Vital, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    procedures: tuple[Procedure, ...] = ()

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row under its path, such as ``labs[0]``."""
        for section in SECTIONS:
            for index, row in enumerate(getattr(self, section)):
                yield f"{section}[{index}]", row

    def leaves(self) -> Iterator[tuple[str, Leaf]]:
        """Every printed value under its path, such as ``labs[0].value``."""
        for path, row in self.rows():
            for field in type(row).model_fields:
                value = getattr(row, field)
                if isinstance(value, Leaf):
                    yield f"{path}.{field}", value

    def to_json(self) -> str:
        """The shortest JSON that `from_json` reads back as an equal record."""
        return self.model_dump_json(exclude_defaults=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> "MedicalRecord":
        """Read what `to_json` wrote.

        Raises:
            pydantic.ValidationError: It is no record.
        """
        return cls.model_validate_json(text)
