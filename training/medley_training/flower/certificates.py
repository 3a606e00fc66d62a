"""The certificates and node keys of a small installation.

    DIR/
    ├── ca.pem, ca.key                      the installation's own authority
    ├── coordinator.pem, coordinator.key    what the coordinator shows to sites
    └── sites/NAME.pub                      who is let in, and under which name

A site needs two files: ``ca.pem`` from the coordinator, and a node key that it makes itself; it
gives ``NAME.pub`` back. The node key admits to the transport only. What a site says in a round is
signed with its Ed25519 key, so somebody with a stolen node key can take the place of a site that
does not answer, and no more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.durable import make_folder

from medley_training.errors import BadKey
from medley_training.flower.key_file import FOR_ALL, OWNER_ONLY, read_key_file, write_key_file
from medley_training.flower.node_key import public_node_key

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

_LOCAL = ("localhost", "127.0.0.1", "::1")
_CLOCKS_DIFFER = timedelta(hours=1)
_AUTHORITY_DAYS = 3650
_COORDINATOR_DAYS = 825
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class CertificateFolder:
    """The files of one installation, by their names in its folder."""

    path: Path

    @property
    def authority(self) -> Path:
        """The certificate that sites check the coordinator's with."""
        return self.path / "ca.pem"

    @property
    def authority_key(self) -> Path:
        """The key that signs certificates; the coordinator does not need it to run."""
        return self.path / "ca.key"

    @property
    def certificate(self) -> Path:
        """The coordinator's certificate."""
        return self.path / "coordinator.pem"

    @property
    def key(self) -> Path:
        """The key of the coordinator's certificate."""
        return self.path / "coordinator.key"

    def node_keys(self) -> Mapping[str, bytes]:
        """The node keys of the sites that are let in, by the sites' names.

        Raises:
            BadKey: A file of ``sites/`` is no public node key, or two sites have the same one.
        """
        paths = sorted((self.path / "sites").glob("*.pub"))
        keys = {path.stem: public_node_key(path) for path in paths}
        for name, key in keys.items():
            if twins := [other for other in keys if other < name and keys[other] == key]:
                raise BadKey(f"sites {twins[0]} and {name} have the same node key")
        return keys


def make_certificates(folder: Path, hosts: Iterable[str]) -> CertificateFolder:
    """Make the authority, and a certificate for a coordinator reached under these names.

    Where the authority is there already, it signs a new coordinator's certificate in the place of
    the old one: for other hosts, or before the old one ends after 825 days.

    Args:
        folder: Where the files go.
        hosts: DNS names and IP addresses; this machine's loopback ones are always added.

    Raises:
        BadKey: The folder holds half an authority, or one that cannot be read.
        Unavailable: The folder cannot be written.
    """
    files = CertificateFolder(folder)
    if not (files.authority.exists() or files.authority_key.exists()):
        _make_authority(files)
    authority, authority_key = _load_authority(files)
    key = _new_key()
    certificate = _coordinator_certificate(authority, authority_key, key, hosts)
    for path in (files.certificate, files.key):
        path.unlink(missing_ok=True)
    write_key_file(files.key, _key_pem(key), OWNER_ONLY)
    write_key_file(files.certificate, _certificate_pem(certificate), FOR_ALL)
    make_folder((folder / "sites").absolute())
    return files


def _make_authority(files: CertificateFolder) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = _new_key()
    name = _name("Medley installation")
    usage = x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        _builder(name, name, key.public_key(), _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(own_id, critical=False)
        .sign(key, hashes.SHA256())
    )
    write_key_file(files.authority_key, _key_pem(key), OWNER_ONLY)
    write_key_file(files.authority, _certificate_pem(certificate), FOR_ALL)


def _load_authority(
    files: CertificateFolder,
) -> tuple["x509.Certificate", "EllipticCurvePrivateKey"]:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificate = x509.load_pem_x509_certificate(read_key_file(files.authority))
        key = load_pem_private_key(read_key_file(files.authority_key), None)
    except (ValueError, TypeError) as error:
        raise BadKey(f"{files.path} holds no authority that can be read") from error
    if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise BadKey(f"{files.authority_key} is not the key of {files.authority}")
    return certificate, key


def _coordinator_certificate(
    authority: "x509.Certificate",
    authority_key: "EllipticCurvePrivateKey",
    key: "EllipticCurvePrivateKey",
    hosts: Iterable[str],
) -> "x509.Certificate":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    names = tuple(dict.fromkeys((*hosts, *_LOCAL)))
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    subject = _name(names[0][:_LONGEST_NAME])
    return (
        _builder(subject, authority.subject, key.public_key(), _COORDINATOR_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(signer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: "x509.Name", issuer: "x509.Name", key: "EllipticCurvePublicKey", days: int
) -> "x509.CertificateBuilder":
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
    )


def _name(text: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _new_key() -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _key_pem(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate_pem(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)
