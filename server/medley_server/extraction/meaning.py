"""What is done with a record's values once their places are known: normal forms, checks, FHIR.

Nothing here asks a model, and what is printed stays as it is.
"""

from collections.abc import Mapping
from typing import Any

from medley.results import Extraction, ExtractionOptions, ExtractionWarning, FoundRecord, Grounding

from medley_server.extraction.normal_record import with_normal_forms
from medley_server.normal_forms import Conventions
from medley_server.safety import assess, marked

_NOT_LOOKED_FOR = "not_found"


def meant(
    record: FoundRecord, *, text: str, leads: Mapping[str, str], options: ExtractionOptions
) -> tuple[FoundRecord, tuple[ExtractionWarning, ...]]:
    """The same record with normal forms, what is in doubt marked for review, and why.

    Args:
        record: As it was found.
        text: All of the document's.
        leads: Under a value's path, the sign before it that the model left out.
        options: What the caller asked for.
    """
    conventions = Conventions.of(text)
    if options.normalise:
        record = with_normal_forms(record, conventions)
    assessment = assess(
        record, confidence_min=options.confidence_min, conventions=conventions, leads=leads
    )
    if options.grounding is not Grounding.OFF:
        return marked(record, assessment.review), assessment.warnings
    doubts = tuple(one for one in assessment.warnings if one.code != _NOT_LOOKED_FOR)
    paths = {path for doubt in doubts for path in (doubt.path, f"{doubt.path}.name")}
    return marked(record, assessment.review & paths), doubts


def checked_bundle(
    extraction: Extraction,
) -> tuple[dict[str, Any], tuple[ExtractionWarning, ...]]:
    """An answer as FHIR with the outcome of its check, and a warning for each fault in it."""
    from medley_server.fhir import bundle_of, validate, with_outcome

    bundle = bundle_of(extraction)
    issues = validate(bundle)
    faults = tuple(
        ExtractionWarning(code="fhir_invalid", path=issue.path, message=issue.message)
        for issue in issues
    )
    return with_outcome(bundle, issues), faults
