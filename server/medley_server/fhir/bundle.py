"""The whole bundle."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from medley.records import SECTIONS
from medley.results import (
    Extraction,
    FoundDiagnosis,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRecord,
    FoundRow,
    FoundVital,
)

from medley_server.fhir.conditions import condition
from medley_server.fhir.documents import diagnostic_report, document_reference, patient
from medley_server.fhir.issue import Issue
from medley_server.fhir.medications import medication_statement
from medley_server.fhir.observations import observation_of_lab, observation_of_vital
from medley_server.fhir.procedures import procedure
from medley_server.fhir.provenance import provenance
from medley_server.fhir.resource import Json, Scope


def bundle_of(
    extraction: Extraction, *, with_not_found: bool = False, recorded: datetime | None = None
) -> Json:
    """A Bundle of type collection.

    The same extraction gives the same ids. A caller's own schema has no FHIR: then there is the
    document alone.

    Args:
        extraction: With its record.
        with_not_found: Whether values are in that are nowhere on the page; tagged for review.
        recorded: When it was read, with a time zone; now when None.
    """
    at = recorded or datetime.now(UTC)
    scope = Scope(extraction.id, has_all=with_not_found)
    resources = [patient(scope), document_reference(extraction.document, scope)]
    traces, labs = [], []
    for path, row in _rows(extraction.record or FoundRecord()):
        if made := _resource(path, row, scope):
            resources.append(made)
            traces.append(provenance(path, row, extraction.model, at, scope))
            labs += [path] if path.startswith("labs") else []
    report = diagnostic_report(extraction.document, labs, scope)
    return {
        "resourceType": "Bundle",
        "id": scope.uuid("bundle"),
        "type": "collection",
        "timestamp": at.isoformat(timespec="seconds"),
        "entry": [_entry(made) for made in (*resources, *([report] if report else []), *traces)],
    }


def with_outcome(bundle: Json, issues: Sequence[Issue]) -> Json:
    """The bundle with an OperationOutcome of its check as its last entry."""
    told = [issue.as_fhir() for issue in issues] or [
        {
            "severity": "information",
            "code": "informational",
            "diagnostics": "Cardinality, required bindings, references and units were checked.",
        }
    ]
    identity = Scope(str(bundle.get("id"))).uuid("outcome")
    outcome = {"resourceType": "OperationOutcome", "id": identity, "issue": told}
    return {**bundle, "entry": [*bundle.get("entry", ()), _entry(outcome)]}


def _entry(made: Json) -> Json:
    return {"fullUrl": f"urn:uuid:{made['id']}", "resource": made}


def _rows(record: FoundRecord) -> Iterator[tuple[str, FoundRow]]:
    for section in SECTIONS:
        for index, row in enumerate(getattr(record, section)):
            yield f"{section}[{index}]", row


def _resource(path: str, row: FoundRow, scope: Scope) -> Json | None:
    match row:
        case FoundMedication():
            return medication_statement(path, row, scope)
        case FoundLab():
            return observation_of_lab(path, row, scope)
        case FoundVital():
            return observation_of_vital(path, row, scope)
        case FoundDiagnosis():
            return condition(path, row, scope)
        case FoundProcedure():
            return procedure(path, row, scope)
        case _:
            return None
