"""What a caller of `POST /extract` may ask for."""

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Output(StrEnum):
    RECORD = "record"
    FHIR = "fhir"
    TEXT = "text"


class Grounding(StrEnum):
    """What becomes of values that are nowhere on the page.

    Attributes:
        REQUIRED: They are left out, with a warning each.
        BEST_EFFORT: They stay, marked `not_found` and for review.
        OFF: Nothing is looked for.
    """

    REQUIRED = "required"
    BEST_EFFORT = "best_effort"
    OFF = "off"


class Mode(StrEnum):
    """When the answer comes.

    Attributes:
        SYNC: With the response, or not at all.
        ASYNC: 202 and a job, at once.
        AUTO: With the response if it is soon enough, else 202 and a job.
    """

    SYNC = "sync"
    ASYNC = "async"
    AUTO = "auto"


class ExtractionOptions(BaseModel):
    """Everything beside the document itself.

    Attributes:
        document_type: ``auto``, or a name of `medley.records.DocumentType`.
        json_schema: The caller's own, in the published subset; on the wire it is ``schema``.
        adapter: A reference, or ``auto`` for the server's own choice; None is the same.
        pages: Such as ``1-3,5``; None for all.
        confidence_min: Values that are less sure are marked for review.
        normalise: Whether values get normal forms.
        deidentify: Whether people's details are replaced in the text output.
        timeout_s: How long the caller waits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    document_type: str = "auto"
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    adapter: str | None = None
    pages: str | None = None
    outputs: frozenset[Output] = frozenset({Output.RECORD})
    grounding: Grounding = Grounding.BEST_EFFORT
    confidence_min: float = Field(default=0.5, ge=0, le=1)
    normalise: bool = True
    deidentify: bool = False
    mode: Mode = Mode.AUTO
    callback_url: str | None = None
    timeout_s: float | None = Field(default=None, gt=0)


class AnalysisOptions(BaseModel):
    """What a caller of `POST /analyze` may ask for, beside the document.

    Attributes:
        prompt: What to do with the document.
        adapter: As for `ExtractionOptions`.
        pages: As for `ExtractionOptions`.
        stream: Server-sent events, as of OpenAI's chat completions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str = Field(min_length=1)
    adapter: str | None = None
    pages: str | None = None
    stream: bool = False
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
