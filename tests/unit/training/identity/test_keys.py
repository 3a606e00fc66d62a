import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from medley_training.errors import BadKey, BadSignature
from medley_training.identity import keys
from medley_training.identity.keys import PublicKey, SigningKey

from tests.unit.training.identity.made import NORTH, SOUTH

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME

Point = tuple[int, int]


def pem_of(raw: bytes) -> str:
    return (
        Ed25519PublicKey.from_public_bytes(raw)
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def point_of(y: int) -> Point:
    """A point of edwards25519 with this y coordinate (RFC 8032, section 5.1.3)."""
    u, v = (y * y - 1) % PRIME, (D * y * y + 1) % PRIME
    square = u * pow(v, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert x * x % PRIME == square
    return x, y % PRIME


def doubled(point: Point) -> Point:
    x, y = point
    k = D * x * x * y * y % PRIME
    return (
        2 * x * y * pow(1 + k, -1, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - k, -1, PRIME) % PRIME,
    )


def test_a_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    key = SigningKey.make(tmp_path / "deep" / "north.pem")

    again = SigningKey.load(tmp_path / "deep" / "north.pem")
    again.public.verify(key.sign(b"text"), b"text")

    assert again.public == key.public
    assert key.sign(b"text") == again.sign(b"text")


def test_the_signature_is_that_of_rfc_8032() -> None:
    # Section 7.1, test 2.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))

    assert key.sign(b"\x72").hex() == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )


def test_another_key_text_or_signature_is_refused() -> None:
    signature = NORTH.sign(b"text")

    for key, signed, text in [
        (SOUTH.public, signature, b"text"),
        (NORTH.public, signature, b"test"),
        (NORTH.public, signature[:-1], b"text"),
        (NORTH.public, b"", b"text"),
    ]:
        with pytest.raises(BadSignature, match="not by key"):
            key.verify(signed, text)


def test_a_key_file_is_its_owners_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "north.pem"
    SigningKey.make(path)
    before = path.read_bytes()

    with pytest.raises(BadKey, match="never overwritten"):
        SigningKey.make(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "north.pem"
    SigningKey.make(path)
    path.chmod(0o640)

    with pytest.raises(BadKey, match="open to others"):
        SigningKey.load(path)


def test_a_passphrase_encrypts_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "north.pem"
    monkeypatch.setenv("MEDLEY_SIGNING_PASSPHRASE", "winter")
    made = SigningKey.make(path)

    assert b"ENCRYPTED" in path.read_bytes()
    assert SigningKey.load(path).public == made.public
    monkeypatch.setenv("MEDLEY_SIGNING_PASSPHRASE", "summer")
    with pytest.raises(BadKey, match="not opened by the passphrase"):
        SigningKey.load(path)
    monkeypatch.delenv("MEDLEY_SIGNING_PASSPHRASE")
    with pytest.raises(BadKey, match="MEDLEY_SIGNING_PASSPHRASE"):
        SigningKey.load(path)


def test_a_key_without_passphrase_opens_where_one_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = SigningKey.make(tmp_path / "north.pem")
    monkeypatch.setenv("MEDLEY_SIGNING_PASSPHRASE", "winter")

    assert SigningKey.load(tmp_path / "north.pem").public == made.public


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    private = other.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = other.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    path = tmp_path / "key.pem"
    for data, match in [(private, "another kind"), (b"no key", "no private key"), (b"", "no priv")]:
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(BadKey, match=match):
            SigningKey.load(path)
    with pytest.raises(BadKey, match="another kind"):
        PublicKey(public.decode())
    with pytest.raises(BadKey, match="not a public key"):
        PublicKey("\ud800")
    with pytest.raises(BadKey, match="no key at"):
        SigningKey.load(tmp_path / "none.pem")


def test_a_public_key_is_read_from_either_half(tmp_path: Path) -> None:
    made = SigningKey.make(tmp_path / "north.pem")
    (tmp_path / "north.pub.pem").write_text(made.public.pem)

    assert PublicKey.load(tmp_path / "north.pem") == made.public
    assert PublicKey.load(tmp_path / "north.pub.pem") == made.public


def test_a_key_is_equal_however_its_pem_is_written() -> None:
    sloppy = "a comment\n" + NORTH.public.pem.replace("\n", "\r\n")

    assert PublicKey(sloppy) == NORTH.public
    assert PublicKey(sloppy).pem == NORTH.public.pem


def test_a_point_of_small_order_is_no_key() -> None:
    identity = (1).to_bytes(32, "little")
    forged = identity + bytes(32)
    # Without the check, this signature would fit any text whatever.
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"any text")

    for y in keys._SMALL_ORDER:
        for sign in (0, 1 << 255):
            with pytest.raises(BadKey, match="small order"):
                PublicKey(pem_of((y + sign).to_bytes(32, "little")))


def test_the_list_of_small_order_points_is_right_and_whole() -> None:
    points = {point_of(y) for y in keys._SMALL_ORDER}
    mirrored = points | {(-x % PRIME, y) for x, y in points}

    assert all(doubled(doubled(doubled(point))) == (0, 1) for point in mirrored)
    assert len(mirrored) == 8  # the curve's cofactor: there are no others
    ys = {y for _, y in points}
    assert {y for y in range(PRIME, 2**255) if y - PRIME in ys} <= keys._SMALL_ORDER
