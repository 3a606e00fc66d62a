from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from medley_training.errors import BadKey
from medley_training.flower.node_key import load_node_key, make_node_key, public_node_key


def test_a_node_key_is_what_flower_compares_it_as(tmp_path: Path) -> None:
    from flwr.supercore.primitives.asymmetric import public_key_to_bytes, uses_nist_ec_curve

    public = make_node_key(tmp_path / "node.key")
    key = load_node_key(tmp_path / "node.key")

    assert public == tmp_path / "node.key.pub"
    assert uses_nist_ec_curve(key.public_key())
    assert public_node_key(public) == public_key_to_bytes(key.public_key())


def test_a_public_key_in_pem_is_the_same_key(tmp_path: Path) -> None:
    public = make_node_key(tmp_path / "node.key")
    pem = tmp_path / "node.pem"
    pem.write_bytes(public_node_key(public))

    assert public_node_key(pem) == public_node_key(public)


def test_a_node_key_is_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    public = make_node_key(path)
    before = path.read_bytes()

    with pytest.raises(BadKey, match="never overwritten"):
        make_node_key(path)
    public.unlink()
    with pytest.raises(BadKey, match="never overwritten"):
        make_node_key(path)

    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        load_node_key(path)


def test_files_that_hold_no_node_key_are_refused(tmp_path: Path) -> None:
    openssh = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH)
    bare = serialization.NoEncryption()
    files = {
        "garbage": b"not a key",
        "ed25519": ed25519.Ed25519PrivateKey.generate().private_bytes(*openssh, bare),
        "pkcs8": ec.generate_private_key(ec.SECP384R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, bare
        ),
    }
    for name, data in files.items():
        path = tmp_path / name
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(BadKey):
            load_node_key(path)
    with pytest.raises(BadKey, match="no key"):
        load_node_key(tmp_path / "missing")


def test_public_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    openssh = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    pem = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    files = {
        "garbage": b"not a key",
        "ed25519": ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*openssh),
        "brainpool": ec.generate_private_key(ec.BrainpoolP256R1()).public_key().public_bytes(*pem),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadKey):
            public_node_key(tmp_path / name)
