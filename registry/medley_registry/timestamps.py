"""Points in time: UTC, to the microsecond, one text form that also sorts."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> datetime:
    return datetime.now(UTC)


def to_text(at: datetime) -> str:
    """RFC 3339 with six decimals, for example ``2026-11-21T08:46:53.000000Z``."""
    return at.astimezone(UTC).strftime(_FORMAT)


def from_text(text: str) -> datetime:
    return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
