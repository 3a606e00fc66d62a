"""Keys that sign versions: where they lie, and what they make (`medley_registry.model_signature`).

Everything here works offline; the key is a file, or whatever else a `Signer` reaches.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from medley_registry.durable import create_file, disk_errors, make_folder
from medley_registry.errors import KeyNotFound, NameTaken, SignatureRefused
from medley_registry.manifest import Manifest
from medley_registry.model_signature import (
    ONLY_CURVES,
    check_curve,
    check_signature,
    key_id_of,
    known_digests,
    public_pem,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

__all__ = [
    "GivenSignature",
    "KeySigner",
    "Signer",
    "check_signature",
    "key_id_of",
    "make_key",
    "public_key_of",
]

_PASSPHRASE = "MEDLEY_SIGNING_PASSPHRASE"  # noqa: S105 the variable's name


class Signer(Protocol):
    """Makes signatures with one key, public in PEM; ``key_id`` is that of `key_id_of`."""

    @property
    def key_id(self) -> str: ...

    @property
    def public_key(self) -> str: ...

    def sign(self, manifest: Manifest) -> str:
        """A signature, as JSON text, over exactly the files of a manifest."""


@dataclass(frozen=True, slots=True)
class GivenSignature:
    """A `Signer` that has signed already, elsewhere; its private key never comes here."""

    key_id: str
    public_key: str
    bundle: str

    def sign(self, manifest: Manifest) -> str:
        """The signature, if it is over just these files.

        Raises:
            SignatureRefused: it is not, or not by this key.
        """
        check_signature(self.bundle, manifest, public_key=self.public_key)
        return self.bundle


class KeySigner:
    """Signs with a private key in a PEM file.

    An encrypted file is opened with the passphrase in ``MEDLEY_SIGNING_PASSPHRASE``.

    Raises:
        KeyNotFound: there is no such file.
        SignatureRefused: it holds no private key on P-256, P-384 or P-521, or the passphrase does
            not open it.
        Unavailable: it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self.public_key = public_pem(_private_key(_read(self._path), self._path).public_key())
        self.key_id = key_id_of(self.public_key)

    def sign(self, manifest: Manifest) -> str:
        """A signature over exactly the files of a manifest; nothing is hashed again."""
        from model_signing import signing

        password = _passphrase(_read(self._path), self._path)
        config = signing.Config()  # type: ignore[no-untyped-call]  # the library's own omission
        config.set_hashing_config(known_digests(manifest))
        # The library hands the password on to `cryptography`, which takes bytes and no text.
        config.use_elliptic_key_signer(private_key=self._path, password=password)  # type: ignore[arg-type]
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "model.sig"
            config.sign(manifest.digest.hex, made)
            bundle = made.read_text(encoding="utf-8")
        # The file was read a second time; a key changed in between would sign under a wrong name.
        check_signature(bundle, manifest, public_key=self.public_key)
        return bundle


def make_key(path: str | Path) -> KeySigner:
    """Make a P-256 key in a file that only its owner may read.

    Where ``MEDLEY_SIGNING_PASSPHRASE`` is set, the file is encrypted with it.

    Raises:
        NameTaken: the file exists; it stays as it is.
        Unavailable: the folder cannot be written.
    """
    path = Path(path)
    with disk_errors(path.parent):
        make_folder(path.parent.absolute())
        try:
            create_file(path, _new_key(), mode=0o600)
        except FileExistsError:
            raise NameTaken(f"{path} exists; a key is never overwritten") from None
    return KeySigner(path)


def public_key_of(path: str | Path) -> str:
    """The public half, in PEM, of the private key in a file.

    Raises:
        KeyNotFound, SignatureRefused, Unavailable: as `KeySigner`.
    """
    return KeySigner(path).public_key


def _new_key() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    passphrase = os.environ.get(_PASSPHRASE, "").encode()
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase)
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
    )


def _read(path: Path) -> bytes:
    with disk_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise KeyNotFound(f"no signing key at {path}") from None


def _private_key(pem: bytes, path: Path) -> "EllipticCurvePrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    passphrase = _passphrase(pem, path)
    try:
        key = serialization.load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        because = "is not opened by the passphrase" if passphrase else "is no private key in PEM"
        raise SignatureRefused(f"{path} {because}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SignatureRefused(f"{path} holds another kind of key; {ONLY_CURVES}")
    check_curve(key.curve)
    return key


def _passphrase(pem: bytes, path: Path) -> bytes | None:
    """What opens this key: nothing for one that is not encrypted."""
    if b"ENCRYPTED" not in pem:
        return None
    if passphrase := os.environ.get(_PASSPHRASE, "").encode():
        return passphrase
    raise SignatureRefused(f"{path} is encrypted; its passphrase goes in {_PASSPHRASE}")
