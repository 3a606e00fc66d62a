"""Where each resource was read."""

from collections.abc import Iterator
from datetime import datetime

from medley.results import Found, FoundRow, ServedModel

from medley_server.fhir.datatypes import coded
from medley_server.fhir.resource import Json, Scope, resource

REGION = "urn:medley:region"
"""The extension of Provenance.entity: ``field``, ``fragment``, ``match``, ``confidence``."""


def provenance(
    path: str, row: FoundRow, model: ServedModel, recorded: datetime, scope: Scope
) -> Json:
    """The places of a row's values in the document, and what read them."""
    return resource(
        "Provenance",
        f"{path}.provenance",
        scope,
        (),
        target=[scope.reference(path)],
        recorded=recorded.isoformat(timespec="seconds"),
        agent=[
            {
                "type": coded("provenance-participant-type", "assembler", "Assembler"),
                "who": {"display": " ".join(filter(None, ("medley", model.base, model.adapter)))},
            }
        ],
        entity=list(_entities(row, scope))
        or [{"role": "source", "what": scope.reference("document")}],
    )


def _entities(row: FoundRow, scope: Scope) -> Iterator[Json]:
    for name in type(row).model_fields:
        found = getattr(row, name)
        if isinstance(found, Found) and scope.holds(found) and found.page is not None:
            yield {
                "extension": [{"url": REGION, "extension": _region(name, found)}],
                "role": "source",
                "what": scope.reference("document"),
            }


def _region(name: str, found: Found) -> list[Json]:
    parts: list[Json] = [
        {"url": "field", "valueString": name},
        {"url": "fragment", "valueUri": fragment(found)},
        {"url": "match", "valueCode": found.match.value},
    ]
    if found.confidence is not None:
        parts.append({"url": "confidence", "valueDecimal": round(found.confidence, 4)})
    return parts


def fragment(found: Found) -> str:
    """Page and box as a media fragment; left, top, width and height in percent of the page."""
    if found.bbox is None:
        return f"#page={found.page}"
    x0, y0, x1, y1 = found.bbox
    box = ",".join(f"{100 * share:.2f}" for share in (x0, y0, x1 - x0, y1 - y0))
    return f"#page={found.page}&xywh=percent:{box}"
