"""The document itself, the patient whom it is about, and the report that results belong to."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from medley.records import DocumentType
from medley.results import DocumentSummary

from medley_server.fhir.datatypes import LOINC, coded
from medley_server.fhir.resource import Json, Scope, resource


def patient(scope: Scope) -> Json:
    """Whom the document is about: nothing is known but that there is somebody."""
    return resource("Patient", "patient", scope, ())


def document_reference(document: DocumentSummary, scope: Scope) -> Json:
    """The document, named by its digest (RFC 6920): R4's own hash would be SHA-1."""
    digest = urlsafe_b64encode(bytes.fromhex(document.sha256)).decode().rstrip("=")
    name = {"system": "urn:ietf:rfc:3986", "value": f"ni:///sha-256;{digest}"}
    attachment = {"contentType": document.media_type, "title": document.type}
    return resource(
        "DocumentReference",
        "document",
        scope,
        (),
        masterIdentifier=name,
        status="current",
        subject=scope.subject,
        content=[{"attachment": attachment}],
    )


def diagnostic_report(document: DocumentSummary, paths: Sequence[str], scope: Scope) -> Json | None:
    """The report of a lab panel with its results; None for other documents."""
    if document.type != DocumentType.LAB_PANEL or not paths:
        return None
    code = {"system": LOINC, "code": "11502-2", "display": "Laboratory report"}
    return resource(
        "DiagnosticReport",
        "report",
        scope,
        (),
        status="unknown",
        category=[coded("v2-0074", "LAB", "Laboratory")],
        code={"coding": [code]},
        subject=scope.subject,
        result=[scope.reference(path) for path in paths],
    )
