"""The OpenSSF model-signing format (v1.0) with a key: what is written, and a strict reader of it.

A signature is a Sigstore bundle around a DSSE envelope around an in-toto statement that lists each
file with its SHA-256 (https://github.com/ossf/model-signing-spec). It is written by OpenSSF's own
library, and read here: what comes from outside is taken in one form, with no key repeated and no
file but the version's, and a server that verifies needs none of the library's dependencies.
"""

import base64
import binascii
import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from medley_registry.canonical import Json
from medley_registry.errors import AdmissionRefused, SignatureRefused
from medley_registry.manifest import Manifest
from medley_registry.strict_json import parse_object

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve, EllipticCurvePublicKey
    from model_signing.hashing import Config

ONLY_CURVES = "only P-256, P-384 and P-521 sign"
_BUNDLE_LIMIT = 256 << 10
_BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE_TYPE = "https://model_signing/signature/v1.0"
# OMS's algorithm registry: each curve with the hash that ECDSA takes on it.
_CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}


def known_digests(manifest: Manifest) -> "Config":
    """A configuration for the library that answers with a manifest instead of hashing a folder."""
    from model_signing import hashing
    from model_signing import manifest as signed
    from model_signing._hashing.hashing import Digest  # it has no public name

    class KnownDigests(hashing.Config):
        def hash(self, *_: object, **__: object) -> signed.Manifest:
            items = [
                signed.FileManifestItem(
                    path=PurePosixPath(entry.path),
                    digest=Digest("sha256", bytes.fromhex(entry.sha256.hex)),
                )
                for entry in manifest.files
            ]
            kind = signed.SerializationType.from_args(
                {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
            )
            return signed.Manifest(manifest.digest.hex, items, kind)

    return KnownDigests()  # type: ignore[no-untyped-call]  # the library's own omission


def check_signature(bundle: str, manifest: Manifest, *, public_key: str) -> None:
    """Check that a key signed exactly these files: all of them, by name and content, and no other.

    Who the key belongs to, and whether it counts, is for the caller to say.

    Raises:
        SignatureRefused: for any other bundle, key or files; the text says what differs.
    """
    if len(bundle) > _BUNDLE_LIMIT:
        raise SignatureRefused(f"a signature has at most {_BUNDLE_LIMIT} characters")
    envelope = _object(bundle.encode("utf-8", "replace"))
    signed = _resources(_object(_verified_payload(envelope, load_public_key(public_key))))
    files = {entry.path: entry.sha256.hex for entry in manifest.files}
    if missing := files.keys() - signed.keys():
        raise SignatureRefused(f"the signature does not cover {min(missing)}")
    if other := signed.keys() - files.keys():
        raise SignatureRefused(f"the signature covers {min(other)!a}, which is not among the files")
    if changed := [name for name in files if files[name] != signed[name]]:
        raise SignatureRefused(f"the signature is for other content of {min(changed)}")


def key_id_of(public_key: str) -> str:
    """The SHA-256, in hex, of a public key's SubjectPublicKeyInfo.

    Raises:
        SignatureRefused: it is not a public key in PEM on P-256, P-384 or P-521.
    """
    from cryptography.hazmat.primitives import serialization

    der = load_public_key(public_key).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def load_public_key(pem: str) -> "EllipticCurvePublicKey":
    """Read a public key.

    Raises:
        SignatureRefused: as `key_id_of`.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_public_key(pem.encode("utf-8", "replace"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureRefused("that is not a public key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SignatureRefused(f"that is another kind of key; {ONLY_CURVES}")
    check_curve(key.curve)
    return key


def check_curve(curve: "EllipticCurve") -> None:
    """Refuse keys that other readers of the format would not take.

    Raises:
        SignatureRefused: the curve is not in OMS's algorithm registry.
    """
    if curve.name not in _CURVES:
        raise SignatureRefused(f"the key is on the curve {curve.name}; {ONLY_CURVES}")


def public_pem(key: "EllipticCurvePublicKey") -> str:
    """A key in PEM, always in the same bytes."""
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _verified_payload(bundle: dict[str, Json], key: "EllipticCurvePublicKey") -> bytes:
    """What is in the bundle's envelope, if this key signed it."""
    _expect(bundle.get("mediaType"), _BUNDLE_TYPE, what="the bundle's type")
    pem = public_pem(key).encode()
    match bundle.get("verificationMaterial"):
        case {"publicKey": {"hint": hint}}:
            _expect(hint, hashlib.sha256(pem).hexdigest(), what="the hash of the signing key")
        case {"publicKey": {"rawBytes": raw}}:  # before the library's 1.1; spec §4.1 wants it read
            _expect(raw, base64.b64encode(pem).decode(), what="the signing key")
        case _:
            raise SignatureRefused("the signature was not made with a plain key")
    match bundle.get("dsseEnvelope"):
        case {"payloadType": kind, "payload": str(text), "signatures": [{"sig": str(signature)}]}:
            _expect(kind, _PAYLOAD_TYPE, what="the payload's type")
        case _:
            raise SignatureRefused("the signature holds no envelope with one signature")
    payload = _base64(text)
    _verify(payload, _base64(signature), key)
    return payload


def _verify(payload: bytes, signature: bytes, key: "EllipticCurvePublicKey") -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    kind = _PAYLOAD_TYPE.encode()
    # DSSE's pre-authentication encoding, https://github.com/secure-systems-lab/dsse.
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    algorithm: hashes.HashAlgorithm = getattr(hashes, _CURVES[key.curve.name])()
    try:
        key.verify(signature, signed, ec.ECDSA(algorithm))
    except InvalidSignature as error:
        raise SignatureRefused("the signature is not by this key, or was changed") from error


def _resources(statement: dict[str, Json]) -> dict[str, str]:
    """The files a statement lists, each name with its SHA-256 in hex."""
    _expect(statement.get("_type"), _STATEMENT_TYPE, what="the statement's type")
    _expect(statement.get("predicateType"), _PREDICATE_TYPE, what="the predicate's type")
    match statement:
        case {
            "subject": [{"digest": {"sha256": root}}],
            "predicate": {
                "serialization": {"method": "files", "hash_type": "sha256"},
                "resources": [*resources],
            },
        }:
            files = _by_name(resources)
        case _:
            raise SignatureRefused("the statement does not list files by their SHA-256")
    # Spec §6.5.1: over the digests alone, so it adds nothing to them, but must still be right.
    whole = hashlib.sha256(b"".join(map(_digest, files.values()))).hexdigest()
    _expect(root, whole, what="the digest of all files")
    return files


def _by_name(resources: list[Json]) -> dict[str, str]:
    found: dict[str, str] = {}
    for resource in resources:
        match resource:
            case {"name": str(name), "algorithm": "sha256", "digest": str(digest)}:
                if name in found:
                    raise SignatureRefused(f"the statement lists {name!a} twice")
                found[name] = digest
            case _:
                raise SignatureRefused("the statement lists something without its SHA-256")
    return found


def _object(data: bytes) -> dict[str, Json]:
    try:
        return parse_object(data, what="signature")
    except AdmissionRefused as error:
        raise SignatureRefused(f"the signature cannot be read: {error}") from error


def _expect(found: Json, wanted: str, *, what: str) -> None:
    if found != wanted:
        raise SignatureRefused(f"{what} is {found!a:.100}, not {wanted}")


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureRefused("the signature holds what is no base64") from error


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise SignatureRefused("the statement holds what is no digest") from error
