"""One value of a record: what it says, and the very characters that say it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator


class Leaf(BaseModel):
    """A value that stands in the document.

    In JSON a leaf whose two forms are the same is a plain string; both forms are read back.

    Attributes:
        value: The normal form: a decimal with a point, a UCUM unit, an ISO date or time, a full
            name in lower case. Without a known normal form, the same as `text`.
        text: The value as it is printed, character by character.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: str = Field(min_length=1)
    text: str = Field(min_length=1)

    @classmethod
    def verbatim(cls, text: str) -> "Leaf":
        """A value that has no other normal form than the way it is printed."""
        return cls(value=text, text=text)

    @model_validator(mode="before")
    @classmethod
    def _of_one_string(cls, given: Any) -> Any:
        return {"value": given, "text": given} if isinstance(given, str) else given

    @model_serializer
    def _as_short_as_possible(self) -> str | dict[str, str]:
        if self.value == self.text:
            return self.text
        return {"value": self.value, "text": self.text}
