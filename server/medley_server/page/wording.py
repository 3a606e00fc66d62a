"""What the page calls things."""

from collections.abc import Mapping

from medley.commands.values import Trust
from medley.results import ConfidenceMethod, Found, Match

MATCHES: Mapping[Match, str] = {
    Match.EXACT: "exactly as printed",
    Match.NORMALIZED: "as printed, but for case, spaces or kinds of dashes",
    Match.FUZZY: "like what is printed: OCR may have mixed letters up",
    Match.CONCLUDED: "concluded from the words around it",
    Match.NOT_FOUND: "nowhere on the page",
}

METHODS: Mapping[ConfidenceMethod, str] = {
    ConfidenceMethod.LOGPROB: "from the probabilities of its tokens",
    ConfidenceMethod.AGREEMENT: "token probabilities, lowered by the OCR's doubt",
}

SIGNS: Mapping[Trust, str] = {Trust.SURE: "", Trust.UNSURE: "?", Trust.REVIEW: "!"}
TRUSTS: Mapping[Trust, str] = {
    Trust.SURE: "sure",
    Trust.UNSURE: "less sure",
    Trust.REVIEW: "to be reviewed",
}


def titled(name: str) -> str:
    """A field's, section's or type's name for people."""
    return name.replace("_", " ").capitalize().replace("Icu", "ICU").replace("ucum", "UCUM")


def confidence_of(found: Found) -> str:
    """How sure, and what that rests on."""
    if found.confidence is None:
        return "not known"
    method = f" ({METHODS[found.confidence_method]})" if found.confidence_method else ""
    return f"{found.confidence:.0%}{method}"
