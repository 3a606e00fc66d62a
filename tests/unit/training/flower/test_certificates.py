from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from medley_training.errors import BadKey
from medley_training.flower.certificates import CertificateFolder, make_certificates
from medley_training.flower.node_key import make_node_key


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def check(files: CertificateFolder, subject: x509.DNSName | x509.IPAddress) -> None:
    """Check the coordinator's certificate as a TLS client does."""
    store = Store([certificate(files.authority)])
    verifier = PolicyBuilder().store(store).build_server_verifier(subject)
    verifier.verify(certificate(files.certificate), [])


def test_a_coordinator_is_trusted_under_its_hosts_and_this_machines_and_no_others(
    tmp_path: Path,
) -> None:
    files = make_certificates(tmp_path, ["rounds.example.org", "192.0.2.7", "2001:db8::7"])

    for host in ("rounds.example.org", "localhost"):
        check(files, x509.DNSName(host))
    for address in ("192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"):
        check(files, x509.IPAddress(ip_address(address)))
    with pytest.raises(VerificationError):
        check(files, x509.DNSName("other.example.org"))
    with pytest.raises(VerificationError):
        check(files, x509.IPAddress(ip_address("192.0.2.8")))


def test_keys_are_for_their_owner_only_and_fit_their_certificates(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, [])

    pairs = [(files.authority, files.authority_key), (files.certificate, files.key)]
    for path, key_path in pairs:
        key = load_pem_private_key(key_path.read_bytes(), None)
        assert key_path.stat().st_mode & 0o777 == 0o600
        assert key.public_key() == certificate(path).public_key()


def test_a_new_coordinators_certificate_keeps_the_authority(tmp_path: Path) -> None:
    before = make_certificates(tmp_path, ["old.example.org"])
    authority, key = before.authority.read_bytes(), before.key.read_bytes()

    after = make_certificates(tmp_path, ["new.example.org"])

    assert after.authority.read_bytes() == authority
    assert after.key.read_bytes() != key
    check(after, x509.DNSName("new.example.org"))
    assert certificate(after.certificate).not_valid_after_utc > datetime.now(UTC) + timedelta(800)


def test_half_an_authority_is_refused(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, [])
    files.authority_key.unlink()

    with pytest.raises(BadKey, match=r"ca\.key"):
        make_certificates(tmp_path, [])


def test_an_authority_with_the_key_of_another_is_refused(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "one", [])
    other = make_certificates(tmp_path / "two", [])
    files.authority_key.write_bytes(other.authority_key.read_bytes())

    with pytest.raises(BadKey, match="not the key"):
        make_certificates(tmp_path / "one", [])


def test_sites_are_named_after_the_files_of_their_keys(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "coordinator", [])
    for name in ("south", "north"):
        public = make_node_key(tmp_path / name)
        public.rename(files.path / "sites" / public.name)

    keys = files.node_keys()

    assert list(keys) == ["north", "south"]
    assert len(set(keys.values())) == 2


def test_two_sites_with_one_node_key_are_refused(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "coordinator", [])
    public = make_node_key(tmp_path / "node.key").read_bytes()
    for name in ("north", "south"):
        (files.path / "sites" / f"{name}.pub").write_bytes(public)

    with pytest.raises(BadKey, match="north and south"):
        files.node_keys()
