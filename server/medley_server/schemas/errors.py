"""What a refusal looks like: OpenAI's error object."""

from typing import Any

from pydantic import Field

from medley_server.schemas.fields import Record


class ErrorBody(Record):
    """``code`` is stable; ``details`` holds what an error carries besides its text."""

    message: str
    type: str
    param: str | None
    code: str | None
    details: dict[str, Any] = Field(default_factory=dict)


class ErrorAnswer(Record):
    error: ErrorBody
