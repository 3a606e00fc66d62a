"""Builds an extraction such as a server gives, from a few words of what it should say."""

import hashlib
from collections import defaultdict
from typing import Any, Self

from medley.results import (
    ConfidenceMethod,
    DocumentSummary,
    Extraction,
    ExtractionStatus,
    ExtractionWarning,
    Found,
    FoundDiagnosis,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRecord,
    FoundRow,
    FoundVital,
    Match,
    PageSummary,
    ServedModel,
    Usage,
)

_LINE = 0.03
_TOP = 0.1
_CHARACTER = 0.01


class SampleExtraction:
    """Says row by row what is on which page; the text, the places and the counts follow.

    Rows are printed one below the other, each a line of its page's text, and every value's box is
    where it stands there. A page that nothing is on is blank.
    """

    def __init__(self, document_type: str = "lab_panel", *, pages: int = 1) -> None:
        """A document of so many pages."""
        self._type = document_type
        self._lines: dict[int, list[str]] = {page: [] for page in range(1, pages + 1)}
        self._rows: dict[str, list[FoundRow]] = defaultdict(list)
        self._warnings: list[ExtractionWarning] = []
        self._failed: dict[int, str] = {}
        self._data: Any = None

    @classmethod
    def of_a_lab_panel(cls) -> Self:
        """A page with three results, of which one is to be reviewed."""
        sample = cls("lab_panel").line(1, "LABORATORY REPORT")
        sample.lab("Sodium", "139", unit="mmol/L", reference_range="135-145")
        sample.lab("Potassium", "5.9", unit="mmol/L", reference_range="3.5-5.1", flag="H")
        return sample.lab("Creatinine", "88", unit="umol/L", confidence=0.41, review=True)

    def line(self, page: int, text: str) -> Self:
        """Text that no value is in."""
        self._lines[page].append(text)
        return self

    def lab(self, name: str, value: str, **more: Any) -> Self:
        """A laboratory result; for `more` see `FoundLab`, besides page, confidence and review."""
        return self._row(FoundLab, "labs", {"name": name, "value": value, **more})

    def vital(self, name: str, value: str, **more: Any) -> Self:
        return self._row(FoundVital, "vitals", {"name": name, "value": value, **more})

    def medication(self, name: str, **more: Any) -> Self:
        """For `more` see `FoundMedication`."""
        return self._row(FoundMedication, "medications", {"name": name, **more})

    def diagnosis(self, name: str, **more: Any) -> Self:
        return self._row(FoundDiagnosis, "diagnoses", {"name": name, **more})

    def procedure(self, name: str, **more: Any) -> Self:
        return self._row(FoundProcedure, "procedures", {"name": name, **more})

    def warning(self, code: str, message: str, *, path: str = "", page: int | None = None) -> Self:
        self._warnings.append(ExtractionWarning(code=code, path=path, message=message, page=page))
        return self

    def failed_page(self, page: int, detail: str) -> Self:
        """A page that could not be read: the extraction is a partial one."""
        self._failed[page] = detail
        return self

    def data(self, value: Any) -> Self:
        """What a caller's own schema asked for, instead of a record."""
        self._data = value
        return self

    def build(self) -> Extraction:
        """The extraction, as a server would give it."""
        text = "\f".join("\n".join(lines) for lines in self._lines.values())
        is_own = self._data is not None
        status = ExtractionStatus.PARTIAL if self._failed else ExtractionStatus.SUCCEEDED
        digest = hashlib.sha256(text.encode()).hexdigest()
        model = ServedModel(base="tiny", adapter="documents:1", adapter_digest=f"sha256:{digest}")
        return Extraction(
            id=f"ext-{digest[:12]}",
            status=status,
            document=DocumentSummary(
                type=self._type,
                type_confidence=0.98,
                media_type="application/pdf",
                sha256=digest,
                pages_in=len(self._lines),
                pages_processed=len(self._lines) - len(self._failed),
                pages=tuple(map(self._page, self._lines)),
            ),
            record=None if is_own else FoundRecord.model_validate(self._rows),
            data=self._data,
            warnings=tuple(self._warnings),
            text=text,
            usage=Usage(input_tokens=len(text.split()), output_tokens=16, latency_ms=120.0),
            model=model,
        )

    def _page(self, number: int) -> PageSummary:
        detail = self._failed.get(number)
        status = "failed" if detail else "read" if self._lines[number] else "blank"
        return PageSummary.model_validate(
            {"n": number, "status": status, "detail": detail, "text_layer": True, "dpi": 200}
            | {"width": 1654, "height": 2339}
        )

    def _row(self, kind: type[FoundRow], section: str, fields: dict[str, Any]) -> Self:
        page = fields.pop("page", 1)
        sure = {"confidence": fields.pop("confidence", 0.97), "review": fields.pop("review", False)}
        values: dict[str, Any] = {}
        printed = ""
        for name, text in fields.items():
            if not isinstance(text, str):
                values[name] = text
                continue
            left, height = len(printed) * _CHARACTER, _TOP + len(self._lines[page]) * _LINE
            box = (left, height, left + len(text) * _CHARACTER, height + _LINE * 0.8)
            place = {"page": page, "bbox": tuple(min(side, 1.0) for side in box)}
            values[name] = Found.model_validate(
                {"value": text, "text": text, "match": Match.EXACT, **place, **sure}
                | {"confidence_method": ConfidenceMethod.LOGPROB}
            )
            printed += f"{text} | "
        self._lines[page].append(printed.removesuffix(" | "))
        self._rows[section].append(kind.model_validate(values))
        return self
