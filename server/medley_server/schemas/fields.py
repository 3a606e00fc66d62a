"""The kinds of fields that wire models are made of, each checked before the registry sees it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from medley_registry.digest import Digest
from medley_registry.references import check_alias, check_name
from medley_registry.rules import check_text
from medley_registry.timestamps import to_text
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

_MOST_NESTED = 16
_LARGEST_NUMBER = 2**31 - 1  # what every index keeps
_FIRST_YEAR, _LAST_YEAR = 2000, 9000  # away from the ends of what a datetime can be


class Body(BaseModel):
    """What a caller sends; a field nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class Record(BaseModel):
    """What a caller gets: the registry's own record, read by its attributes."""

    model_config = ConfigDict(from_attributes=True)


def _name(text: str) -> str:
    check_name(text)
    return text


def _alias(text: str) -> str:
    check_alias(text)
    return text


def _line(text: str) -> str:
    check_text("a text", text, at_least=0)
    return text


def _utc(at: datetime) -> datetime:
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"a time is between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return at.astimezone(UTC)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """JSON that every index can keep and every reader can read back."""
    _check_plain(value, depth=0)
    return value


def _check_plain(value: Any, *, depth: int) -> None:
    if depth > _MOST_NESTED:
        raise ValueError(f"nested deeper than {_MOST_NESTED}")
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_plain(key, depth=depth)
            _check_plain(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner, depth=depth + 1)
    elif isinstance(value, str) and ("\0" in value or not _is_utf8(value)):
        raise ValueError("text holds NUL or half a character")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


Name = Annotated[str, AfterValidator(_name)]
"""Of an adapter or a base model."""

AliasName = Annotated[str, AfterValidator(_alias)]

Number = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER)]
"""Of a version or a round, in a path or a form."""

SentNumber = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER, strict=True)]
"""Of a version, in a body."""

Sequence = Annotated[int, Field(ge=0, le=_LARGEST_NUMBER)]
"""Of an event; 0 is before the first."""

PageSize = Annotated[int, Field(ge=1, le=1000)]

Generation = Annotated[int, Field(ge=0, le=_LARGEST_NUMBER, strict=True)]
"""Of an alias; 0 means that it does not exist yet."""

SentDigest = Annotated[str, AfterValidator(lambda text: str(Digest.parse(text)))]
"""``sha256:`` and 64 hex digits."""

Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A point in time, with its offset from UTC."""

Plain = Annotated[dict[str, Any], AfterValidator(_plain)]
"""A JSON object that is kept as it is."""

Finite = Annotated[float, Field(allow_inf_nan=False)]

Metrics = Annotated[
    dict[str, Finite],
    Field(min_length=1, max_length=1000),
    AfterValidator(_plain),
]

Line = Annotated[str, AfterValidator(_line)]
"""One printable line for people, perhaps empty."""

Text = Annotated[str, BeforeValidator(str)]
"""What has a text form of its own, such as a digest."""

At = Annotated[str, BeforeValidator(lambda at: to_text(at) if isinstance(at, datetime) else at)]
"""A point in time as the registry writes it."""
