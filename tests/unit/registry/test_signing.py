"""Signatures: what the format's own library makes of ours and we of its, and what is refused."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import FileEntry, KeyNotFound, Manifest, NameTaken, SignatureRefused
from medley_registry.digest import Digest
from medley_registry.signing import (
    KeySigner,
    check_signature,
    key_id_of,
    make_key,
    public_key_of,
)

FILES = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"weights"}
PASSPHRASE = "MEDLEY_SIGNING_PASSPHRASE"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

Statement = dict[str, Any]


def manifest_of(files: dict[str, bytes]) -> Manifest:
    return Manifest(
        tuple(
            FileEntry(name, len(content), Digest.of(content), "application/octet-stream")
            for name, content in files.items()
        )
    )


MANIFEST = manifest_of(FILES)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> KeySigner:
    return make_key(tmp_path_factory.mktemp("keys") / "signing-key.pem")


@pytest.fixture(scope="module")
def bundle(signer: KeySigner) -> str:
    """The signer's signature on the manifest."""
    return signer.sign(MANIFEST)


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "version"
    place.mkdir()
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    return place


def public_of(key: ec.EllipticCurvePrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def write_key(path: Path, key: PrivateKeyTypes, passphrase: str = "") -> Path:
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else None
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            lock or serialization.NoEncryption(),
        )
    )
    return path


def statement_of(files: dict[str, bytes]) -> Statement:
    digests = {name: hashlib.sha256(content) for name, content in sorted(files.items())}
    root = hashlib.sha256(b"".join(digest.digest() for digest in digests.values())).hexdigest()
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "version", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [
                {"name": name, "algorithm": "sha256", "digest": digest.hexdigest()}
                for name, digest in digests.items()
            ],
        },
    }


def sealed(payload: bytes, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """A bundle around any payload, signed as the format wants."""
    signed = b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(payload),
        payload,
    )
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": hashlib.sha256(public_of(key).encode()).hexdigest()},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }


def test_a_new_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "signing-key.pem"

    made = make_key(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["signing-key.pem"]
    assert KeySigner(path).key_id == made.key_id
    assert public_key_of(path) == made.public_key


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "signing-key.pem"
    make_key(path)
    before = path.read_bytes()

    with pytest.raises(NameTaken, match="never overwritten"):
        make_key(path)

    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_id_is_the_digest_of_the_public_key_in_der(signer: KeySigner) -> None:
    der = serialization.load_pem_public_key(signer.public_key.encode()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    assert signer.key_id == hashlib.sha256(der).hexdigest()
    assert key_id_of(signer.public_key.replace("\n", "\r\n")) == signer.key_id


def test_a_missing_key_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyNotFound, match="no signing key at"):
        KeySigner(tmp_path / "none.pem")


def test_a_passphrase_locks_a_key_and_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "long ago")
    made = make_key(tmp_path / "key.pem")
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()

    check_signature(made.sign(MANIFEST), MANIFEST, public_key=made.public_key)

    monkeypatch.setenv(PASSPHRASE, "another")
    with pytest.raises(SignatureRefused, match="not opened by the passphrase"):
        KeySigner(tmp_path / "key.pem")
    monkeypatch.delenv(PASSPHRASE)
    with pytest.raises(SignatureRefused, match=PASSPHRASE):
        KeySigner(tmp_path / "key.pem")


def test_a_passphrase_does_not_hinder_a_key_without_one(
    tmp_path: Path, signer: KeySigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSPHRASE, "not needed")

    check_signature(signer.sign(MANIFEST), MANIFEST, public_key=signer.public_key)


@pytest.mark.parametrize(
    "curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name
)
def test_the_library_takes_our_signatures_and_we_take_its(
    folder: Path, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    import model_signing

    path = write_key(tmp_path / "key.pem", ec.generate_private_key(curve))
    ours = KeySigner(path)
    (tmp_path / "key.pub").write_text(ours.public_key)

    (tmp_path / "ours.sig").write_text(ours.sign(MANIFEST))
    verifier = model_signing.verifying.Config()  # type: ignore[no-untyped-call]
    verifier.use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    verifier.verify(folder, tmp_path / "ours.sig")

    signing = model_signing.signing.Config()  # type: ignore[no-untyped-call]
    signing.use_elliptic_key_signer(private_key=path).sign(folder, tmp_path / "theirs.sig")
    theirs = (tmp_path / "theirs.sig").read_text()
    check_signature(theirs, MANIFEST, public_key=ours.public_key)


def test_the_library_refuses_our_signature_over_other_files(
    folder: Path, tmp_path: Path, signer: KeySigner
) -> None:
    import model_signing

    (tmp_path / "key.pub").write_text(signer.public_key)
    (tmp_path / "ours.sig").write_text(signer.sign(MANIFEST))
    (folder / "adapter_config.json").write_bytes(b"[]")

    verifier = model_signing.verifying.Config()  # type: ignore[no-untyped-call]
    verifier.use_elliptic_key_verifier(public_key=tmp_path / "key.pub")
    with pytest.raises(ValueError, match="Signature mismatch"):
        verifier.verify(folder, tmp_path / "ours.sig")


@pytest.mark.parametrize(
    ("make", "because"),
    [
        (lambda: ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (lambda: rsa.generate_private_key(65537, 2048), "another kind of key"),
        (ed25519.Ed25519PrivateKey.generate, "another kind of key"),
    ],
    ids=["secp256k1", "rsa", "ed25519"],
)
def test_keys_that_others_could_not_check_are_refused(
    tmp_path: Path, make: Callable[[], PrivateKeyTypes], because: str
) -> None:
    key = make()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    with pytest.raises(SignatureRefused, match=because):
        KeySigner(write_key(tmp_path / "key.pem", key))
    with pytest.raises(SignatureRefused, match=because):
        key_id_of(public.decode())


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.pem").write_text(content)

    with pytest.raises(SignatureRefused, match="no private key in PEM"):
        KeySigner(tmp_path / "key.pem")
    with pytest.raises(SignatureRefused, match="not a public key in PEM"):
        key_id_of(content)


def test_another_key_does_not_check(signer: KeySigner, key: ec.EllipticCurvePrivateKey) -> None:
    with pytest.raises(SignatureRefused, match="hash of the signing key"):
        check_signature(signer.sign(MANIFEST), MANIFEST, public_key=public_of(key))


def test_a_hint_at_the_right_key_does_not_help_the_wrong_one(
    signer: KeySigner, key: ec.EllipticCurvePrivateKey
) -> None:
    bundle = sealed(json.dumps(statement_of(FILES)).encode(), key)
    hint = hashlib.sha256(signer.public_key.encode()).hexdigest()
    bundle["verificationMaterial"]["publicKey"]["hint"] = hint

    with pytest.raises(SignatureRefused, match="not by this key"):
        check_signature(json.dumps(bundle), MANIFEST, public_key=signer.public_key)


def test_a_bundle_that_carries_its_key_is_read(key: ec.EllipticCurvePrivateKey) -> None:
    """The library's releases before 1.1 wrote it so, and the specification wants it read."""
    bundle = sealed(json.dumps(statement_of(FILES)).encode(), key)
    raw = base64.b64encode(public_of(key).encode()).decode()
    bundle["verificationMaterial"] = {"publicKey": {"rawBytes": raw}}

    check_signature(json.dumps(bundle), MANIFEST, public_key=public_of(key))


@pytest.mark.parametrize(
    ("files", "because"),
    [
        ({**FILES, "adapter_config.json": b"[]"}, "other content of adapter_config.json"),
        ({**FILES, "README.md": b"more"}, "does not cover README.md"),
        ({"adapter_config.json": b"{}"}, "'adapter_model.safetensors', which is not among"),
        (
            dict(zip(FILES, reversed(FILES.values()), strict=True)),
            "other content of adapter_config.json",
        ),
    ],
    ids=["byte", "extra file", "missing file", "swapped names"],
)
def test_a_signature_is_for_exactly_its_files(
    signer: KeySigner, files: dict[str, bytes], because: str
) -> None:
    with pytest.raises(SignatureRefused, match=because):
        check_signature(signer.sign(MANIFEST), manifest_of(files), public_key=signer.public_key)


def _resources(statement: Statement) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = statement["predicate"]["resources"]
    return resources


STATEMENTS: dict[str, tuple[Callable[[Statement], object], str]] = {
    "type": (lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"), "statement's type"),
    "predicate": (
        lambda s: s.update(predicateType="https://model_signing/Digests/v0.1"),
        "predicate's type",
    ),
    "no subject": (lambda s: s.update(subject=[]), "does not list files"),
    "two subjects": (lambda s: s.update(subject=s["subject"] * 2), "does not list files"),
    "root": (
        lambda s: s["subject"][0]["digest"].update(sha256="0" * 64),
        "digest of all files",
    ),
    "shards": (
        lambda s: s["predicate"]["serialization"].update(method="shards"),
        "does not list files",
    ),
    "blake3": (
        lambda s: s["predicate"]["serialization"].update(hash_type="blake3"),
        "does not list files",
    ),
    "no resources": (lambda s: s["predicate"].update(resources=None), "does not list files"),
    "empty": (lambda s: s["predicate"].update(resources=[]), "digest of all files"),
    "algorithm": (lambda s: _resources(s)[0].update(algorithm="md5"), "without its SHA-256"),
    "number": (lambda s: _resources(s)[0].update(digest=1), "without its SHA-256"),
    "no hex": (lambda s: _resources(s)[0].update(digest="x" * 64), "no digest"),
    "twice": (lambda s: _resources(s).append(_resources(s)[0]), "twice"),
    "a path": (
        lambda s: _resources(s)[0].update(name="../adapter_config.json"),
        "does not cover adapter_config.json",
    ),
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_another_statement_is_refused_though_the_key_signed_it(
    key: ec.EllipticCurvePrivateKey, case: str
) -> None:
    change, because = STATEMENTS[case]
    statement = statement_of(FILES)
    change(statement)
    bundle = json.dumps(sealed(json.dumps(statement).encode(), key))

    with pytest.raises(SignatureRefused, match=because):
        check_signature(bundle, MANIFEST, public_key=public_of(key))


def test_a_statement_that_two_parsers_read_differently_is_refused(
    key: ec.EllipticCurvePrivateKey,
) -> None:
    text = json.dumps(statement_of(FILES))
    twice = text[:-1] + ', "predicateType": "https://model_signing/signature/v1.0"}'

    with pytest.raises(SignatureRefused, match="appears twice"):
        check_signature(
            json.dumps(sealed(twice.encode(), key)), MANIFEST, public_key=public_of(key)
        )


BUNDLES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "media type": (lambda b: b.update(mediaType="text/plain"), "bundle's type"),
    "no material": (lambda b: b.pop("verificationMaterial"), "not made with a plain key"),
    "certificate": (
        lambda b: b.update(verificationMaterial={"x509CertificateChain": {"certificates": []}}),
        "not made with a plain key",
    ),
    "no hint": (
        lambda b: b.update(verificationMaterial={"publicKey": {}}),
        "not made with a plain key",
    ),
    "null hint": (
        lambda b: b["verificationMaterial"]["publicKey"].update(hint=None),
        "hash of the signing key",
    ),
    "no envelope": (lambda b: b.pop("dsseEnvelope"), "no envelope"),
    "payload type": (
        lambda b: b["dsseEnvelope"].update(payloadType="text/plain"),
        "payload's type",
    ),
    "no signature": (lambda b: b["dsseEnvelope"].update(signatures=[]), "no envelope"),
    "two signatures": (
        lambda b: b["dsseEnvelope"].update(signatures=b["dsseEnvelope"]["signatures"] * 2),
        "no envelope",
    ),
    "not base64": (lambda b: b["dsseEnvelope"].update(payload="%%%%"), "no base64"),
    "cut payload": (
        lambda b: b["dsseEnvelope"].update(payload=b["dsseEnvelope"]["payload"][:-8]),
        "was changed",
    ),
    "another signature": (
        lambda b: b["dsseEnvelope"]["signatures"][0].update(sig="AAAA"),
        "was changed",
    ),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_another_envelope_is_refused(signer: KeySigner, bundle: str, case: str) -> None:
    change, because = BUNDLES[case]
    changed = json.loads(bundle)
    change(changed)

    with pytest.raises(SignatureRefused, match=because):
        check_signature(json.dumps(changed), MANIFEST, public_key=signer.public_key)


def test_a_truncated_signature_is_refused_wherever_it_ends(signer: KeySigner, bundle: str) -> None:
    for length in range(0, len(bundle), 7):
        with pytest.raises(SignatureRefused):
            check_signature(bundle[:length], MANIFEST, public_key=signer.public_key)


def test_a_huge_signature_is_refused_unread(signer: KeySigner) -> None:
    with pytest.raises(SignatureRefused, match="at most"):
        check_signature(" " * (1 << 20), MANIFEST, public_key=signer.public_key)


@given(data=st.data())
def test_every_bit_of_payload_and_signature_counts(
    signer: KeySigner, bundle: str, data: st.DataObject
) -> None:
    changed = json.loads(bundle)
    envelope = changed["dsseEnvelope"]
    holder, field = data.draw(
        st.sampled_from([(envelope, "payload"), (envelope["signatures"][0], "sig")])
    )
    content = bytearray(base64.b64decode(holder[field]))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    holder[field] = base64.b64encode(content).decode()

    with pytest.raises(SignatureRefused):
        check_signature(json.dumps(changed), MANIFEST, public_key=signer.public_key)


@given(text=st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_is_no_signature_is_refused_and_nothing_worse(
    signer: KeySigner, text: str
) -> None:
    with pytest.raises(SignatureRefused):
        check_signature(text, MANIFEST, public_key=signer.public_key)


def test_checking_a_signature_needs_no_signing_library(signer: KeySigner) -> None:
    """It takes a second to import, and brings clients of services that nobody here talks to."""
    program = (
        "import sys; from medley_registry.signing import *; "
        "from medley_registry import Manifest, SignatureRefused\n"
        f"try: check_signature('', Manifest(()), public_key={signer.public_key!r})\n"
        "except SignatureRefused: pass\n"
        "print(sorted({'model_signing', 'sigstore'} & sys.modules.keys()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")
