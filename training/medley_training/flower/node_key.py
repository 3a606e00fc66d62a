"""A site's node key: what the SuperLink lets it in with."""

from pathlib import Path
from typing import TYPE_CHECKING

from medley_training.errors import BadKey
from medley_training.flower.key_file import FOR_ALL, OWNER_ONLY, read_key_file, write_key_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_OTHERS = 0o077


def make_node_key(path: Path) -> Path:
    """Make a site's node key; returns the path of its public half, which has ``.pub`` added.

    Raises:
        BadKey: One of the two files exists; it stays as it is.
        Unavailable: The folder cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP384R1())
    public = path.with_name(f"{path.name}.pub")
    if public.exists():
        raise BadKey(f"{public} exists; a key is never overwritten")
    private_bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,  # the only form that Flower reads
        serialization.NoEncryption(),
    )
    write_key_file(path, private_bytes, OWNER_ONLY)
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    write_key_file(public, line + b"\n", FOR_ALL)
    return public


def load_node_key(path: Path) -> "EllipticCurvePrivateKey":
    """A site's node key.

    Raises:
        BadKey: The file is missing, may be read by others, or holds no such key.
        Unavailable: It cannot be read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    data = read_key_file(path)
    if path.stat().st_mode & _OTHERS:
        raise BadKey(f"{path} is open to others; run: chmod 600 {path}")
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path} is no node key without a passphrase in OpenSSH's form") from error
    if not isinstance(key, EllipticCurvePrivateKey):
        raise BadKey(f"{path} holds another kind of key; a node key is an ECDSA key")
    return key


def public_node_key(path: Path) -> bytes:
    """A public node key as the SuperLink compares it: SubjectPublicKeyInfo in PEM.

    Args:
        path: A file of `make_node_key` or ``ssh-keygen -t ecdsa -b 384``, or one in PEM.

    Raises:
        BadKey: It is missing, or no public key of a NIST curve.
        Unavailable: It cannot be read.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    data = read_key_file(path)
    is_pem = data.lstrip().startswith(b"-----BEGIN")
    load = serialization.load_pem_public_key if is_pem else serialization.load_ssh_public_key
    try:
        key = load(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{path} is no public node key") from error
    if not isinstance(key, EllipticCurvePublicKey) or not key.curve.name.startswith("secp"):
        raise BadKey(f"{path} holds another kind of key; a node key is an ECDSA key")
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
