"""What gets signed: frozen values, each with one JSON form."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from medley_registry import timestamps
from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import InvalidReference
from medley_registry.inert import inert
from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)

from medley_training.errors import BadSignature
from medley_training.identity.envelope import Envelope, open_envelope, seal
from medley_training.identity.keys import PublicKey, SigningKey
from medley_training.identity.names import NAME_PATTERN

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
"""The configuration of every record: no member too many, and none of another type."""

_HASH_BYTES = 32
_SHOWN = 80


def _digest(value: object) -> Digest:
    if isinstance(value, Digest):
        return value
    try:
        return Digest.parse(str(value))
    except InvalidReference as error:
        raise ValueError(str(error)) from error


def _moment(value: object) -> datetime:
    text = timestamps.to_text(value) if isinstance(value, datetime) else str(value)
    return timestamps.from_text(text)


def _hash(value: object) -> bytes:
    found = value if isinstance(value, bytes) else bytes.fromhex(str(value))
    if len(found) != _HASH_BYTES:
        raise ValueError(f"a hash has {_HASH_BYTES} bytes, not {len(found)}")
    return found


def _envelope(value: object) -> Envelope:
    return value if isinstance(value, Envelope) else Envelope.from_json(str(value))


DigestField = Annotated[Digest, PlainValidator(_digest), PlainSerializer(str)]
MomentField = Annotated[datetime, PlainValidator(_moment), PlainSerializer(timestamps.to_text)]
HashField = Annotated[bytes, PlainValidator(_hash), PlainSerializer(bytes.hex)]
EnvelopeField = Annotated[Envelope, PlainValidator(_envelope), PlainSerializer(Envelope.to_json)]
NameField = Annotated[str, Field(pattern=NAME_PATTERN)]
CountField = Annotated[int, Field(ge=0, le=1 << 53)]  # JSON's numbers are doubles


class Record:
    """Base of the pydantic dataclasses that are signed; `payload_type` is a media type."""

    __slots__ = ()
    payload_type: ClassVar[str]

    def to_json(self) -> dict[str, Json]:
        """The record as a JSON object."""
        written: dict[str, Json] = _adapter(type(self)).dump_python(self, mode="json")
        return written

    @classmethod
    def from_json(cls, payload: dict[str, Json]) -> Self:
        """Read what `to_json` wrote, and nothing else.

        Raises:
            BadSignature: It is another object; the text names the first member that is wrong.
        """
        try:
            data = canonical_json(payload)
            record: Self = _adapter(cls).validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = inert(".".join(map(str, first["loc"])))[:_SHOWN] or "it"
            raise BadSignature(f"no {cls.payload_type}: {place}: {first['msg']}") from error
        except ValueError as error:
            raise BadSignature(f"no {cls.payload_type}: {error}") from error
        if canonical_json(record.to_json()) != data:
            raise BadSignature(f"no {cls.payload_type}: a member is missing or written oddly")
        return record

    def seal(self, key: SigningKey) -> Envelope:
        """The record, signed."""
        return seal(self.payload_type, self.to_json(), key)

    @classmethod
    def open(cls, envelope: Envelope, keys: Iterable[PublicKey]) -> Self:
        """The record in an envelope, if one of these keys signed it.

        Raises:
            BadSignature: None of them did, or it holds something else.
        """
        return cls.from_json(open_envelope(envelope, keys, payload_type=cls.payload_type))


_ADAPTERS: dict[type[Record], "TypeAdapter[Any]"] = {}


def _adapter(record: type[Record]) -> "TypeAdapter[Any]":
    if record not in _ADAPTERS:
        _ADAPTERS[record] = TypeAdapter(record)
    return _ADAPTERS[record]
