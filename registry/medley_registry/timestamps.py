"""Points in time: UTC, to the microsecond, one text form that also sorts."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> datetime:
    return datetime.now(UTC)


def to_text(at: datetime) -> str:
    """RFC 3339 with six decimals, for example ``2026-11-21T08:46:53.000000Z``.

    Raises:
        ValueError: the time says no zone, or its year has not four digits.
    """
    if at.tzinfo is None or at.year < 1000:
        raise ValueError(f"{at} is no time of a known zone and of four digits' year")
    return at.astimezone(UTC).strftime(_FORMAT)


def from_text(text: str) -> datetime:
    """Read what `to_text` wrote, and nothing else.

    Raises:
        ValueError: it is another form, or no time at all.
    """
    at = datetime.fromisoformat(text)  # strptime takes twenty times as long
    if to_text(at) != text:
        raise ValueError(f"{text!r} is not of the form 2026-11-21T08:46:53.000000Z")
    return at
