"""One answer, as the demo shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """Who was asked what, who answered, and how fast.

    Attributes:
        asked: the `model` of the request.
        question: what was asked.
        by: the `model` of the answer.
        digest: of the version that answered; empty for the base.
        text: the answer.
        first_s: seconds to the first token.
        total_s: seconds to the end.
    """

    asked: str
    question: str
    by: str
    digest: str
    text: str
    first_s: float
    total_s: float
