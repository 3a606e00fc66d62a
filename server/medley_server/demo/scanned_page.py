"""The page that the demo reads: a made-up scan in a layout that no site trained on, and its truth.

`adapters/README.md` says which command drew it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medley.records import Leaf, MedicalRecord
from medley.results import Extraction, Found
from pydantic import BaseModel

PAGES = Path(__file__).parent / "pages"


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A picture of one page and what it says."""

    name: str

    @property
    def picture(self) -> Path:
        """The scan."""
        return PAGES / f"{self.name}.jpg"

    @property
    def truth(self) -> MedicalRecord:
        """What is printed on it."""
        return MedicalRecord.from_json((PAGES / f"{self.name}.json").read_bytes())

    def values_right(self, extraction: Extraction) -> tuple[int, int]:
        """How many of the printed values were read character by character in their row, of all.

        A value in the row of another name is wrong. White space and case do not count.
        """
        truth = set(_printed(self.truth))
        record = extraction.record
        return len(truth & set(_printed(record)) if record else ()), len(truth)


MEDICATION_REVIEW = ScannedPage("medication-review")


def _printed(record: BaseModel) -> Iterator[tuple[str, ...]]:
    """Each printed value with its section, the printed name of its row, and its field."""
    for section in type(record).model_fields:
        rows = getattr(record, section)
        for row in rows if isinstance(rows, tuple) else ():
            for field in type(row).model_fields:
                if isinstance(value := getattr(row, field), Leaf | Found) and value.text:
                    yield section, _plain(row.name.text), field, _plain(value.text)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()


READ_FROM = 0.8
"""The share of values that the demo demands; what was measured is in `adapters/README.md`."""
