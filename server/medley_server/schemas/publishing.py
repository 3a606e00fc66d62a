"""What a publisher says of a version, in the fields of a form beside its files."""

from typing import Annotated, Any, Self

from medley_registry import Lineage, Relation, VersionState
from pydantic import Field, Json, model_validator

from medley_server.schemas.fields import Body, Line, Name, Number, SentDigest


class ParentBody(Body):
    reference: Line
    digest: SentDigest
    relation: Relation


class ContributionBody(Body):
    participant: Line
    digest: SentDigest
    weight: Annotated[float, Field(allow_inf_nan=False)]
    key_id: Line = ""


class LineageBody(Body):
    """What a version came from; parents must be in the registry."""

    parents: list[ParentBody] = Field(default_factory=list)
    contributions: list[ContributionBody] = Field(default_factory=list)
    run: Line = ""
    recipe: SentDigest | None = None
    strategy: Line = ""
    origin: Line = ""

    def lineage(self) -> Lineage:
        """The registry's own."""
        return Lineage.from_json(self.model_dump(mode="json"))


class PublishForm(Body):
    """The fields; the files are ``config``, ``weights``, perhaps ``readme`` and ``golden``.

    ``bundle`` is the publisher's signature, with the id of the key that made it.
    """

    base: Name
    round: Number | None = None
    note: Line = ""
    state: VersionState = VersionState.ADMITTED
    lineage: Json[LineageBody] = Field(default_factory=LineageBody)
    key_id: Line | None = None
    bundle: str | None = None

    @model_validator(mode="after")
    def _signature_is_whole(self) -> Self:
        if (self.key_id is None) != (self.bundle is None):
            raise ValueError("key_id and bundle are sent together")
        return self


FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["base", "config", "weights"],
                    "properties": {
                        **{name: {"type": "string"} for name in PublishForm.model_fields},
                        **{
                            name: {"type": "string", "format": "binary"}
                            for name in ("config", "weights", "readme", "golden")
                        },
                    },
                }
            }
        },
    }
}
"""The form in the words of OpenAPI."""
