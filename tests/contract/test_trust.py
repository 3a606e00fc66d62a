"""Signed versions, and keys that count or do not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from medley_registry import (
    AdmissionRefused,
    Digest,
    KeyNotFound,
    KeySigner,
    Manifest,
    NameTaken,
    Registry,
    Signature,
    SignatureRefused,
    VersionState,
    make_key,
    timestamps,
)
from medley_registry.signing import public_key_of

from tests.builders import TINY

Folders = Callable[[int], Path]


@pytest.fixture
def signer(tmp_path: Path) -> KeySigner:
    """A key that nobody trusts yet."""
    return make_key(tmp_path / "key.pem")


@pytest.fixture
def signed(
    registry: Registry, signer: KeySigner, adapter_folder: Folders, tmp_path: Path
) -> Registry:
    """A registry that trusts the key, with `notes:1` signed by it."""
    registry.trust.add(public_key_of(tmp_path / "key.pem"), name="hospital", actor="eve")
    registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", signer=signer)
    return registry


def test_a_registry_that_trusts_no_key_takes_unsigned_versions(
    registry: Registry, adapter_folder: Folders
) -> None:
    version = registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")

    assert not registry.trust.is_on()
    assert registry.trust.verify(version) is None


def test_a_registry_that_trusts_a_key_takes_signed_versions_only(
    signed: Registry, adapter_folder: Folders
) -> None:
    with pytest.raises(SignatureRefused, match="signed versions only"):
        signed.publish(adapter_folder(2), name="notes", base=TINY, actor="ada")

    assert len(signed.versions("notes")) == 1


def test_a_signature_by_a_stranger_is_refused(
    signed: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    stranger = make_key(tmp_path / "stranger.pem")

    with pytest.raises(SignatureRefused, match="not trusted"):
        signed.publish(adapter_folder(2), name="notes", base=TINY, actor="ada", signer=stranger)


def test_what_was_published_before_keys_were_trusted_must_be_signed_to_be_used(
    registry: Registry, signer: KeySigner, adapter_folder: Folders, tmp_path: Path
) -> None:
    version = registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")
    registry.trust.add(public_key_of(tmp_path / "key.pem"), name="hospital", actor="eve")
    with pytest.raises(SignatureRefused, match="not signed"):
        registry.checkout(version, tmp_path / "out")

    registry.trust.sign("notes", 1, signer=signer, actor="eve")

    assert registry.checkout(version, tmp_path / "out").is_dir()


def test_a_signed_version_is_verified_before_it_is_checked_out(
    signed: Registry, tmp_path: Path
) -> None:
    version = signed.resolve("notes:1")
    key = signed.trust.verify(version)

    assert key is not None
    assert key.name == "hospital"
    assert signed.checkout(version, tmp_path / "out").is_dir()


def test_a_distrusted_key_vouches_for_nothing_any_more(
    signed: Registry, signer: KeySigner, tmp_path: Path
) -> None:
    version = signed.resolve("notes:1")
    signed.checkout(version, tmp_path / "out")

    signed.trust.distrust(signer.key_id, actor="eve", reason="stolen")

    with pytest.raises(SignatureRefused, match="no longer trusted"):
        signed.checkout(version, tmp_path / "out")
    with pytest.raises(KeyNotFound):
        signed.trust.distrust(signer.key_id, actor="eve", reason="again")
    with pytest.raises(NameTaken, match="distrusted"):
        signed.trust.add(public_key_of(tmp_path / "key.pem"), name="hospital", actor="eve")


def test_an_expired_key_signs_no_more_but_what_it_signed_counts(
    registry: Registry, adapter_folder: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = make_key(tmp_path / "key.pem")
    soon = timestamps.now() + timedelta(hours=1)
    registry.trust.add(
        public_key_of(tmp_path / "key.pem"), name="hospital", actor="eve", valid_until=soon
    )
    first = registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", signer=signer)
    monkeypatch.setattr(timestamps, "now", lambda: soon + timedelta(seconds=1))

    with pytest.raises(SignatureRefused, match="expired"):
        registry.publish(adapter_folder(2), name="notes", base=TINY, actor="ada", signer=signer)
    assert registry.trust.verify(first) is not None


def test_the_signature_of_another_version_vouches_for_nothing(
    signed: Registry, signer: KeySigner, adapter_folder: Folders
) -> None:
    other = signed.publish(
        adapter_folder(2),
        name="notes",
        base=TINY,
        actor="ada",
        signer=signer,
        state=VersionState.DRAFT,
    )
    (replayed,) = signed.trust.signatures("notes", 1)
    with signed.index.write() as writer:
        writer.add(replace(other, number=3, digest=Digest.of(b"no version")))
        writer.add(replace(replayed, number=3))

    with pytest.raises(SignatureRefused, match="signed something else"):
        signed.trust.verify(signed.resolve("notes:3"))


def test_the_same_key_signs_once(signed: Registry, signer: KeySigner) -> None:
    head = signed.head()

    again = signed.trust.sign("notes", 1, signer=signer, actor="eve")

    assert isinstance(again, Signature)
    assert signed.head() == head


def test_a_key_is_trusted_once(signed: Registry, tmp_path: Path) -> None:
    head = signed.head()

    signed.trust.add(public_key_of(tmp_path / "key.pem"), name="other", actor="eve")

    (key,) = signed.trust.keys()
    assert key.name == "hospital"
    assert signed.head() == head


class Liar:
    """Gives anything as the signature of a key."""

    def __init__(self, key: KeySigner, bundle: str) -> None:
        self.key_id = key.key_id
        self.public_key = key.public_key
        self._bundle = bundle

    def sign(self, manifest: Manifest) -> str:
        return self._bundle


def test_what_is_no_signature_is_not_taken_in(
    signed: Registry, signer: KeySigner, adapter_folder: Folders
) -> None:
    (other,) = signed.trust.signatures("notes", 1)

    for bundle in ("garbage", other.bundle):
        with pytest.raises(SignatureRefused):
            signed.publish(
                adapter_folder(2),
                name="notes",
                base=TINY,
                actor="ada",
                signer=Liar(signer, bundle),
            )
    assert len(signed.versions("notes")) == 1


def test_a_version_that_nothing_vouches_for_is_not_promoted(
    signed: Registry, signer: KeySigner
) -> None:
    signed.trust.distrust(signer.key_id, actor="eve", reason="stolen")

    with pytest.raises(SignatureRefused):
        signed.promote("notes", 1, actor="ada")


def test_aliases_step_back_only_to_what_is_vouched_for(
    registry: Registry, adapter_folder: Folders, tmp_path: Path
) -> None:
    keys = {n: make_key(tmp_path / f"{n}.pem") for n in (1, 2, 3)}
    for n, key in keys.items():
        registry.trust.add(key.public_key, name=f"key {n}", actor="eve")
        registry.publish(adapter_folder(n), name="notes", base=TINY, actor="ada", signer=key)
        registry.promote("notes", n, actor="ada")
    registry.trust.distrust(keys[2].key_id, actor="eve", reason="stolen")

    (moved,) = registry.lifecycle.revoke(
        registry.resolve("notes:3").digest, actor="eve", reason="poisoned"
    )

    assert moved.number == 1


def test_publishing_again_with_a_key_adds_its_signature(
    registry: Registry, signer: KeySigner, adapter_folder: Folders
) -> None:
    registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada")
    registry.trust.add(signer.public_key, name="hospital", actor="eve")

    again = registry.publish(adapter_folder(1), name="notes", base=TINY, actor="ada", signer=signer)

    assert registry.trust.verify(again) is not None


@pytest.mark.parametrize("year", [1, 999, 9999])
def test_a_time_beyond_reason_is_refused(registry: Registry, signer: KeySigner, year: int) -> None:
    with pytest.raises(AdmissionRefused, match="time"):
        registry.trust.add(
            signer.public_key,
            name="hospital",
            actor="eve",
            valid_until=datetime(year, 1, 1, tzinfo=UTC),
        )
    with pytest.raises(AdmissionRefused, match="time"):
        registry.access.add("ci", scopes=["infer"], actor="eve", expires_at=datetime(2030, 1, 1))
