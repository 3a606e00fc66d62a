"""What words on the command line mean: versions, times, durations."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

import typer

from medley_registry.errors import InvalidReference
from medley_registry.references import Reference

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Numbered(NamedTuple):
    """One version by its number; every command that changes a version wants just that."""

    name: str
    number: int


class Span(NamedTuple):
    """A whole day, or a point in time, which begins and ends at once."""

    begin: datetime
    end: datetime


def numbered(text: str) -> Numbered:
    """Read ``name:7``."""
    try:
        reference = Reference.parse(text)
    except InvalidReference as error:
        raise typer.BadParameter(str(error)) from error
    if reference.number is None:
        raise typer.BadParameter("name one version, as in discharge:2")
    return Numbered(reference.adapter, reference.number)


def span(text: str) -> Span:
    """Read ``2026-11-20``, which is that day in UTC, or a point in time in ISO 8601."""
    try:
        if len(text) == len("2026-11-20"):
            begin = datetime.combine(date.fromisoformat(text), time(), UTC)
            return Span(begin, begin + timedelta(days=1, microseconds=-1))
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        example = "a day (2026-11-20) or a time (2026-11-20T14:30, in UTC, or with an offset)"
        raise typer.BadParameter(f"give {example}") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Span(at, at)


def deadline(text: str) -> datetime:
    """Read a day, whose end is meant, or a point in time."""
    return span(text).end


def reason(text: str) -> str:
    """What cannot be undone, or is held against someone, has a reason."""
    if not text.strip():
        raise typer.BadParameter("say why")
    return text


def duration(text: str) -> timedelta:
    """Read ``90s``, ``30m``, ``24h`` or ``30d``."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter("give a number and s, m, h or d, as in 24h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
