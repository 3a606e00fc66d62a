"""Procedures that the document tells of."""

from medley.results import FoundProcedure

from medley_server.fhir.datatypes import concept, day_of
from medley_server.fhir.resource import Json, Scope, resource


def procedure(path: str, row: FoundProcedure, scope: Scope) -> Json | None:
    """A procedure; None where its name was not found. With a day it is completed."""
    if not scope.holds(row.name):
        return None
    performed_on, side = scope.kept(row.performed_on), scope.kept(row.laterality)
    values = [value for value in (row.name, row.laterality, row.performed_on) if value]
    return resource(
        "Procedure",
        path,
        scope,
        values,
        status="completed" if performed_on else "unknown",
        code=concept(row.name, row.code),
        subject=scope.subject,
        performedDateTime=day_of(performed_on),
        bodySite=[concept(side)] if side else None,
    )
