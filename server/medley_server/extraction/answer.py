"""What was found, put together to the answer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from medley.pages import PageStatus, Reading
from medley.records import SECTIONS, DocumentType
from medley.results import (
    DocumentSummary,
    Extraction,
    ExtractionStatus,
    ExtractionWarning,
    FoundRecord,
    Grounding,
    Output,
)
from medley.segments import page_text

from medley_server.deidentification import deidentified
from medley_server.extraction.document_types import EXPECTED, judge
from medley_server.extraction.errors import NotAMedicalDocument
from medley_server.extraction.meaning import checked_bundle, meant
from medley_server.extraction.own_schema import OwnData
from medley_server.extraction.page_accounts import asked, summary, unread, unreadable
from medley_server.extraction.page_rows import Errand, Failure, PageRows
from medley_server.extraction.record_rows import BuiltRow, counted
from medley_server.extraction.requirements import AUTO, CUSTOM

_VALUED = ("labs", "vitals")
"""Lists whose rows say nothing without a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A document that the engine has answered."""

    errand: Errand
    reading: Reading
    request_id: str

    @property
    def id(self) -> str:
        """The answer's."""
        return f"extraction-{self.request_id}"


class Answering:
    """Makes answers; it works in threads, and asks no model."""

    def record(self, answered: Answered, rows: PageRows) -> Extraction:
        """The answer with the built-in record.

        Raises:
            NotAMedicalDocument: The type was to be told, and nothing tells of any.
        """
        options, phases = answered.errand.options, answered.errand.phases
        document = self._document(answered, rows)
        with phases.timed("checks"):
            record, doubts = meant(
                _record(rows.rows),
                text="\n".join(page_text(page) for page in answered.errand.pages),
                leads=_leads(rows.rows),
                options=options,
            )
        made = Extraction(
            id=answered.id,
            status=_status(answered, rows.failures),
            document=document,
            record=record,
            not_found=tuple(_missing(record, document.type)),
            unreadable=unreadable(answered.reading),
            warnings=(*_warnings(answered, rows.failures), *_notes(rows.rows), *doubts),
            text=self._text(answered),
            model=answered.errand.model.served,
        )
        if Output.FHIR in options.outputs:
            with phases.timed("fhir"):
                bundle, faults = checked_bundle(made)
            told = (*made.warnings, *faults)
            made = made.model_copy(update={"fhir": bundle, "warnings": told})
        usage = phases.usage(rows.spent, image_tokens=rows.image_tokens)
        is_asked = Output.RECORD in options.outputs
        return made.model_copy(update={"usage": usage, "record": record if is_asked else None})

    def data(self, answered: Answered, own: OwnData) -> Extraction:
        """The answer with the caller's own JSON."""
        return Extraction(
            id=answered.id,
            status=_status(answered, own.failures),
            document=summary(answered.reading, CUSTOM, None),
            data=own.data,
            places=dict(own.places),
            not_found=own.not_found,
            unreadable=unreadable(answered.reading),
            warnings=(*_warnings(answered, own.failures), *own.warnings),
            text=self._text(answered),
            usage=answered.errand.phases.usage(own.spent, image_tokens=own.image_tokens),
            model=answered.errand.model.served,
        )

    def _document(self, answered: Answered, rows: PageRows) -> DocumentSummary:
        given = answered.errand.options.document_type
        if given != AUTO:
            return summary(answered.reading, given, None)
        found = Counter(built.section for built in rows.rows if built.row is not None)
        judged = judge(answered.errand.pages, found)
        if judged is not None:
            kind, share = judged
            return summary(answered.reading, kind.value, share)
        if rows.failures or not answered.errand.pages:
            return summary(answered.reading, "unknown", None)
        raise NotAMedicalDocument(
            "Nothing in this document is a medication, a result, a measurement, a diagnosis or a "
            "procedure. If it is medical, say which `document_type` it is."
        )

    def _text(self, answered: Answered) -> str | None:
        options = answered.errand.options
        if Output.TEXT not in options.outputs:
            return None
        pages = asked(answered.reading)
        text = "\f".join(page_text(page) if page.words else "" for page in pages)
        return deidentified(text) if options.deidentify else text


def _leads(rows: Sequence[BuiltRow]) -> dict[str, str]:
    return {
        f"{path}.{name}": lead
        for path, built in counted(rows)
        for name, lead in built.leads.items()
        if built.row is not None
    }


def _record(rows: Sequence[BuiltRow]) -> FoundRecord:
    lists: dict[str, Any] = {
        section: tuple(
            built.row for built in rows if built.section == section and built.row is not None
        )
        for section in SECTIONS
    }
    return FoundRecord(**lists)


def _status(answered: Answered, failures: Sequence[Failure]) -> ExtractionStatus:
    """A success only where every page was read and every question answered."""
    pages = asked(answered.reading)
    if not any(page.status in (PageStatus.READ, PageStatus.BLANK) for page in pages):
        return ExtractionStatus.FAILED
    is_whole = all(page.status in (PageStatus.READ, PageStatus.BLANK) for page in pages)
    return ExtractionStatus.SUCCEEDED if is_whole and not failures else ExtractionStatus.PARTIAL


def _warnings(answered: Answered, failures: Sequence[Failure]) -> Iterator[ExtractionWarning]:
    yield from unread(asked(answered.reading))
    yield from (failure.warning() for failure in failures)
    if answered.errand.options.grounding is Grounding.OFF:
        yield ExtractionWarning(
            code="not_grounded", message="Values were not looked for on the pages, as was asked."
        )


def _notes(rows: Sequence[BuiltRow]) -> Iterator[ExtractionWarning]:
    for path, built in counted(rows):
        for note in built.notes:
            where = built.section if built.row is None else f"{path}.{note.field}"
            yield ExtractionWarning(
                code=note.code, path=where, message=note.message, page=built.page
            )


def _missing(record: FoundRecord, kind: str) -> Iterator[str]:
    """The lists that such a document has, and values without which a row says nothing."""
    for section in EXPECTED.get(DocumentType(kind), ()) if kind in set(DocumentType) else ():
        if not getattr(record, section):
            yield section
    for section in _VALUED:
        for index, row in enumerate(getattr(record, section)):
            if row.value is None:
                yield f"{section}[{index}].value"
