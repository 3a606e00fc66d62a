"""What all resources have: an id, a tag for review, references to each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from medley.results import Found, Match

Json = dict[str, Any]

REVIEW = {
    "system": "urn:medley:review",
    "code": "needs-review",
    "display": "A person should look at it before it is used",
}
"""The tag of resources that hold a value marked for review, or that lack one that was not found."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What resources of one bundle share.

    Attributes:
        id: Of the extraction; the ids of resources follow from it.
        has_all: Whether values that were not found are in.
    """

    id: str
    has_all: bool = False

    def uuid(self, path: str) -> str:
        """The id of what is at a path of the record; the same at every call."""
        return str(uuid5(NAMESPACE_URL, f"urn:medley:{self.id}:{path}"))

    def reference(self, path: str) -> Json:
        """A reference to it."""
        return {"reference": f"urn:uuid:{self.uuid(path)}"}

    @property
    def subject(self) -> Json:
        """The patient."""
        return self.reference("patient")

    def holds(self, found: Found | None) -> bool:
        """Whether a value is there to be told."""
        return found is not None and (self.has_all or found.match is not Match.NOT_FOUND)

    def kept(self, found: Found | None) -> Found | None:
        """The value, or None where it is not to be told."""
        return found if self.holds(found) else None


def resource(kind: str, path: str, scope: Scope, values: Iterable[Found], **elements: Any) -> Json:
    """A resource of what is at `path`; elements that are None are left out."""
    made: Json = {"resourceType": kind, "id": scope.uuid(path)}
    if any(found.review or found.match in (Match.FUZZY, Match.NOT_FOUND) for found in values):
        made["meta"] = {"tag": [dict(REVIEW)]}
    return made | {name: value for name, value in elements.items() if value is not None}
