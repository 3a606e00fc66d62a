"""Signed JSON: a DSSE envelope with one signature.

The signature is over the type and the bytes of the payload
(https://github.com/secure-systems-lab/dsse, protocol.md v1.0.2). The format leaves a writer free in
white space, in the order of members and in the last bits of its base64; here all of that is fixed,
so that an envelope has one text and one digest, and no byte of it can be changed unnoticed.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

from medley_training.errors import BadSignature
from medley_training.identity.keys import PublicKey, SigningKey

_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and its signature, as far as the form goes; `open_envelope` checks who signed.

    Attributes:
        payload_type: What the payload is, as a media type.
        payload: Canonical JSON.
        key_id: The key that is said to have signed; on its own it proves nothing.
        signature: Ed25519, over the type and the payload.
    """

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the envelope's text."""
        return Digest.of(self.to_json().encode())

    @property
    def signed(self) -> bytes:
        """What the signature is over: DSSE's pre-authentication encoding of type and payload."""
        return _signed(self.payload_type, self.payload)

    def to_json(self) -> str:
        """The envelope's one text."""
        signature: Json = {"keyid": self.key_id, "sig": _base64(self.signature)}
        return canonical_json(
            {
                "payload": _base64(self.payload),
                "payloadType": self.payload_type,
                "signatures": [signature],
            }
        ).decode()

    @classmethod
    def from_json(cls, text: str) -> "Envelope":
        """Read what `to_json` wrote, and nothing else.

        Raises:
            BadSignature: It is another text.
        """
        match _object(text.encode("utf-8", "replace"), what="envelope"):
            case {
                "payload": str(payload),
                "payloadType": str(payload_type),
                "signatures": [{"keyid": str(key_id), "sig": str(signature)}],
            }:
                envelope = cls(payload_type, _bytes(payload), key_id, _bytes(signature))
            case _:
                raise BadSignature("that is no envelope with one signature")
        if envelope.to_json() != text:
            raise BadSignature("the envelope is not in its canonical form")
        return envelope


def seal(payload_type: str, payload: dict[str, Json], key: SigningKey) -> Envelope:
    """Sign a JSON object.

    Raises:
        ValueError: JSON cannot carry the payload, for instance NaN.
    """
    data = canonical_json(payload)
    signature = key.sign(_signed(payload_type, data))
    return Envelope(payload_type, data, key.public.key_id, signature)


def open_envelope(
    envelope: Envelope, keys: Iterable[PublicKey], *, payload_type: str
) -> dict[str, Json]:
    """What is in an envelope, if one of these keys signed it as being of this type.

    Raises:
        BadSignature: None of them did, or the payload is no canonical JSON object.
    """
    for key in keys:
        if key.key_id == envelope.key_id:
            break
    else:
        raise BadSignature(f"key {envelope.key_id[:12]} is none of those that count here")
    key.verify(envelope.signature, envelope.signed)
    if envelope.payload_type != payload_type:
        raise BadSignature(f"the envelope holds {envelope.payload_type}, not {payload_type}")
    payload = _object(envelope.payload, what="payload")
    try:
        is_canonical = canonical_json(payload) == envelope.payload
    except ValueError as error:
        raise BadSignature(f"the payload cannot be read: {error}") from error
    if not is_canonical:
        raise BadSignature("the payload is not in its canonical form")
    return payload


def _signed(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: lengths first, so that no two pairs look alike."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _object(data: bytes, *, what: str) -> dict[str, Json]:
    if len(data) > _LIMIT_BYTES:
        raise BadSignature(f"the {what} is larger than {_LIMIT_BYTES} bytes")
    try:
        return parse_object(data, what=what)
    except AdmissionRefused as error:
        raise BadSignature(f"the {what} cannot be read: {error}") from error


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("the envelope holds what is no base64") from error
