"""What a caller asks for, checked before any work is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medley.records import DocumentType
from medley.results import ExtractionOptions, Output

from medley_server.extraction.errors import InvalidRequest, of_document
from medley_server.extraction.schema_subset import bounded

AUTO = "auto"
CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class Required:
    """What follows from the options.

    Attributes:
        schema: The caller's own, bounded; None for the built-in record.
    """

    schema: Mapping[str, Any] | None


def check_pages(pages: str | None) -> None:
    """Refuses a list of pages that no document could have.

    Raises:
        InvalidPages: It is none.
    """
    from medley.reading.errors import DocumentError
    from medley.reading.selection import check_selection

    try:
        check_selection(pages)
    except DocumentError as error:
        raise of_document(error) from error


def required(options: ExtractionOptions) -> Required:
    """Checks options against each other.

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
    if options.deidentify and Output.TEXT not in options.outputs:
        raise InvalidRequest(
            "`deidentify` is for the text output, which is not among `outputs`.", about="deidentify"
        )
    return Required(schema)
