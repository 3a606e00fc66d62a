"""What a caller asks for, checked before any work is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from medley.records import DocumentType
from medley.results import ExtractionOptions, Output

from medley_server.extraction.errors import InvalidRequest
from medley_server.extraction.schema_subset import bounded

AUTO = "auto"
CUSTOM = "custom"

Deidentify = Callable[[str], str]
"""Gives a text without people's details."""


@dataclass(frozen=True, slots=True)
class Required:
    """What follows from the options.

    Attributes:
        schema: The caller's own, bounded; None for the built-in record.
    """

    schema: Mapping[str, Any] | None


def required(options: ExtractionOptions, *, can_deidentify: bool) -> Required:
    """Checks options against each other and against this server.

    Raises:
        InvalidRequest: They ask for what cannot be.
        SchemaUnsupported: The caller's schema is outside the subset.
    """
    schema = None if options.json_schema is None else bounded(options.json_schema)
    kinds = {AUTO, CUSTOM} if schema is not None else {AUTO, *map(str, DocumentType)}
    if options.document_type not in kinds:
        raise InvalidRequest(
            f"`document_type` is one of {', '.join(sorted(kinds))}.", about="document_type"
        )
    if schema is not None and Output.FHIR in options.outputs:
        raise InvalidRequest("FHIR is made of the built-in record only.", about="outputs")
    if options.deidentify and not can_deidentify:
        raise InvalidRequest("This server cannot de-identify texts.", about="deidentify")
    return Required(schema)
