"""Ed25519 keys: a site's and a coordinator's (RFC 8032)."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.durable import create_file, disk_errors, make_folder

from medley_training.errors import BadKey, BadSignature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PASSPHRASE = "MEDLEY_SIGNING_PASSPHRASE"  # noqa: S105 the variable's name
_OWNER_ONLY = 0o600
_OTHERS = 0o077
_SIGN_BIT = 1 << 255
# The y coordinates of the curve's points of order 1, 2, 4 and 8, and those of the same points
# written past the field's prime. A key among them has signatures that fit any text.
_PRIME = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset({0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _ORDER_8, _PRIME - _ORDER_8})


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What signatures are checked with; equal keys have the same `pem`, however it was written.

    Attributes:
        pem: The SubjectPublicKeyInfo in PEM.
        key_id: Its SHA-256, in hex.

    Raises:
        BadKey: `pem` is not an Ed25519 public key, or one that anybody can sign with.
    """

    pem: str
    key_id: str = field(init=False)
    _raw: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            key = serialization.load_pem_public_key(self.pem.encode("utf-8", "replace"))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey("that is not a public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise BadKey("that is another kind of key; only Ed25519 signs here")
        raw = key.public_bytes_raw()
        if int.from_bytes(raw, "little") % _SIGN_BIT in _SMALL_ORDER:
            raise BadKey("that key is a point of small order; anybody can sign with it")
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        der = key.public_bytes(serialization.Encoding.DER, spki)
        pem = key.public_bytes(serialization.Encoding.PEM, spki).decode()
        for name, value in (("pem", pem), ("key_id", hashlib.sha256(der).hexdigest())):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_raw", raw)

    @classmethod
    def load(cls, path: Path) -> "PublicKey":
        """The public key in a file, or the public half of the private one in it.

        Raises:
            BadKey: It holds neither, or is missing.
        """
        text = _read(path).decode("utf-8", "replace")
        return SigningKey.load(path).public if "PRIVATE KEY" in text else cls(text)

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check that this key signed exactly these bytes.

        Raises:
            BadSignature: It did not.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self._raw).verify(signature, data)
        except InvalidSignature as error:
            raise BadSignature(
                f"the signature is not by key {self.key_id[:12]}, or something was changed"
            ) from error


class SigningKey:
    """A private key in memory, out of a file that only its owner may read."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        from cryptography.hazmat.primitives import serialization

        self._key = key
        pem = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._public = PublicKey(pem.decode())

    @classmethod
    def make(cls, path: Path) -> "SigningKey":
        """Make a key in a new file.

        Where ``MEDLEY_SIGNING_PASSPHRASE`` is set, the file is encrypted with it.

        Raises:
            BadKey: The file exists; it stays as it is.
            Unavailable: The folder cannot be written.
        """
        with disk_errors(path.parent):
            make_folder(path.parent.absolute())
            try:
                create_file(path, _new_pem(), mode=_OWNER_ONLY)
            except FileExistsError:
                raise BadKey(f"{path} exists; a key is never overwritten") from None
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """The private key in a file.

        Raises:
            BadKey: The file is missing, may be read by others, holds no Ed25519 private key, or
                is not opened by ``MEDLEY_SIGNING_PASSPHRASE``.
            Unavailable: It cannot be read.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        pem = _read(path)
        if path.stat().st_mode & _OTHERS:
            raise BadKey(f"{path} is open to others; run: chmod 600 {path}")
        passphrase = _passphrase(pem, path)
        try:
            key = serialization.load_pem_private_key(pem, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            because = (
                "is not opened by the passphrase" if passphrase else "is no private key in PEM"
            )
            raise BadKey(f"{path} {because}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey(f"{path} holds another kind of key; only Ed25519 signs here")
        return cls(key)

    @property
    def public(self) -> PublicKey:
        """The half that others check signatures with."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """The signature over these bytes, 64 bytes; the same bytes get the same one."""
        return self._key.sign(data)


def _new_pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    passphrase = os.environ.get(_PASSPHRASE, "").encode()
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase)
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
    )


def _read(path: Path) -> bytes:
    with disk_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise BadKey(f"no key at {path}") from None


def _passphrase(pem: bytes, path: Path) -> bytes | None:
    """What opens this key: nothing for one that is not encrypted."""
    if b"ENCRYPTED" not in pem:
        return None
    if passphrase := os.environ.get(_PASSPHRASE, "").encode():
        return passphrase
    raise BadKey(f"{path} is encrypted; its passphrase goes in {_PASSPHRASE}")
