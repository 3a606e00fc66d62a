"""Extractions around a record."""

from datetime import UTC, datetime
from typing import Any

from medley.results import (
    DocumentSummary,
    Extraction,
    ExtractionStatus,
    FoundRecord,
    ServedModel,
)
from medley_server.fhir import bundle_of

AT = datetime(2024, 3, 12, 6, 0, tzinfo=UTC)


def extraction_of(record: FoundRecord, document_type: str = "lab_panel") -> Extraction:
    document = DocumentSummary(
        type=document_type,
        media_type="application/pdf",
        sha256="ab" * 32,
        pages_in=1,
        pages_processed=1,
        pages=(),
    )
    return Extraction(
        id="ext-1",
        status=ExtractionStatus.SUCCEEDED,
        document=document,
        record=record,
        model=ServedModel(base="base", adapter="documents:3"),
    )


def bundle(record: FoundRecord, document_type: str = "lab_panel", **options: Any) -> dict[str, Any]:
    return bundle_of(extraction_of(record, document_type), recorded=AT, **options)


def resources(made: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    all_of_them = [entry["resource"] for entry in made["entry"]]
    return [resource for resource in all_of_them if resource["resourceType"] == kind]


def one(made: dict[str, Any], kind: str) -> dict[str, Any]:
    (resource,) = resources(made, kind)
    return resource
