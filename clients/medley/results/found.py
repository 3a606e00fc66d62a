"""One value of an answer, with where it stands and how sure it is."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

BBox = Annotated[tuple[float, float, float, float], Field(description="x0, y0, x1, y1 in 0..1")]
"""Left, top, right, bottom as shares of the upright page."""


class Match(StrEnum):
    """How a value was found on the page.

    Attributes:
        EXACT: Character by character.
        NORMALIZED: But for letters' case, white space and kinds of dashes and quotes.
        FUZZY: But for what OCR mixes up; always to be reviewed.
        CONCLUDED: From words around it: a status, an assertion.
        NOT_FOUND: It is nowhere on the page: a model's invention until somebody has looked.
    """

    EXACT = "exact"
    NORMALIZED = "normalized"
    FUZZY = "fuzzy"
    CONCLUDED = "concluded"
    NOT_FOUND = "not_found"


class ConfidenceMethod(StrEnum):
    """What a confidence rests on.

    Attributes:
        LOGPROB: The probabilities of the value's tokens.
        AGREEMENT: The same, lowered by how sure the OCR is of the words that it was found in.
    """

    LOGPROB = "logprob"
    AGREEMENT = "agreement"


class Code(BaseModel):
    """A code of a public terminology."""

    model_config = ConfigDict(frozen=True)

    system: str
    code: str
    display: str | None = None


class Found(BaseModel):
    """A value that was read.

    Attributes:
        value: The normal form: a decimal with a point, a UCUM unit, an ISO date, a word of a
            closed list. Without a known normal form, the same as `text`.
        text: As it is printed, character by character; None for what was concluded.
        page: From 1; None where it was not found.
        bbox: Where it stands on that page.
        confidence: 0 to 1; None where there is nothing that it could rest on.
        review: Whether a person should look at it before it is used.
    """

    model_config = ConfigDict(frozen=True)

    value: str
    text: str | None = None
    page: int | None = None
    bbox: BBox | None = None
    match: Match
    confidence: float | None = Field(default=None, ge=0, le=1)
    confidence_method: ConfidenceMethod | None = None
    review: bool = False
