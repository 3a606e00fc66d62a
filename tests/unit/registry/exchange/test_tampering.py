"""Whatever is changed on the way from one registry to another, or in the store, is refused."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from medley_registry import (
    AdmissionRefused,
    DigestMismatch,
    Evidence,
    FileEntry,
    KeySigner,
    Manifest,
    Refused,
    Registry,
    Signature,
    SignatureRefused,
    TrustedKey,
    timestamps,
)
from medley_registry.backends.folder import FolderBlobs, create_folder_blobs
from medley_registry.backends.memory import MemoryIndex
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.exchange import export_version, import_version
from medley_registry.exchange.record_reader import read_record

from tests.builders import TINY, make_adapter

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
RECORD = "medley/version.json"


@pytest.fixture
def package(untouched: Path, tmp_path: Path) -> Path:
    """A copy to tamper with."""
    return shutil.copytree(untouched, tmp_path / "package")


def flip(file: Path, place: int = -1, bit: int = 0) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def put(file: Path, content: str = "x") -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)


def link(file: Path) -> None:
    """The same content, but by a link that leads out of the package."""
    elsewhere = file.parents[1] / f"outside-{file.name}"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)


def fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


PACKAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "byte of the weights": (lambda p: flip(p / WEIGHTS), "file-digest"),
    "byte of the configuration": (lambda p: flip(p / CONFIG), "file-digest"),
    "byte of the own readme": (lambda p: flip(p / "medley/README.md"), "file-digest"),
    "byte of the card": (lambda p: flip(p / "README.md", 9), "other content of README.md"),
    "byte of the bill": (lambda p: flip(p / "medley/bom.cdx.json", 9), "of bom.cdx.json"),
    "byte of the record": (lambda p: flip(p / RECORD, 9), "package-"),
    "byte of the signature": (lambda p: flip(p / "medley/model.sig"), "package-file"),
    "byte of the package's signature": (
        lambda p: flip(p / "medley/package.sig"),
        "signature cannot be read",
    ),
    "truncated weights": (lambda p: cut(p / WEIGHTS), "file-digest"),
    "truncated record": (lambda p: cut(p / RECORD), "package-record"),
    "truncated signature": (lambda p: cut(p / "medley/model.sig"), "package-file"),
    "empty record": (lambda p: (p / RECORD).write_text(""), "package-json"),
    "swapped files": (lambda p: swap(p / CONFIG, p / WEIGHTS), "file-digest"),
    "swapped readmes": (lambda p: swap(p / "README.md", p / "medley/README.md"), "README.md"),
    "extra file": (lambda p: put(p / "run.py"), "package-extra"),
    "extra file beside the record": (lambda p: put(p / "medley/run.py"), "package-extra"),
    "extra file under .git": (lambda p: put(p / ".git/config"), "package-extra"),
    "extra hidden file": (lambda p: put(p / ".gitattributes"), "package-extra"),
    "extra key": (lambda p: put(p / f"medley/keys/{'0' * 64}.pem"), "package-extra"),
    "no weights": (lambda p: (p / WEIGHTS).unlink(), "package-missing"),
    "no record": (lambda p: (p / RECORD).unlink(), "package-missing"),
    "no signature": (lambda p: (p / "medley/model.sig").unlink(), "package-missing"),
    "no keys": (lambda p: shutil.rmtree(p / "medley/keys"), "no key for it"),
    "no bill": (lambda p: (p / "medley/bom.cdx.json").unlink(), "file-kind"),
    "linked weights": (lambda p: link(p / WEIGHTS), "file-kind"),
    "linked record": (lambda p: link(p / RECORD), "file-kind"),
    "linked folder": (lambda p: link(p / "medley"), "file-kind"),
    "pipe": (lambda p: fifo(p / WEIGHTS), "file-kind"),
}


def assert_refused(registry: Registry, package: Path, because: str = "") -> None:
    head = registry.head()

    with pytest.raises(Refused, match=because or None):
        import_version(registry, package, actor="bob")

    assert registry.head() == head
    assert registry.adapters() == []


@pytest.mark.parametrize("case", PACKAGES)
def test_a_changed_package_is_refused_and_leaves_nothing(
    importer: Registry, package: Path, case: str
) -> None:
    change, because = PACKAGES[case]
    change(package)

    assert_refused(importer, package, because)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_every_bit_and_every_length_of_every_file_counts(
    importer: Registry, package: Path, data: st.DataObject
) -> None:
    files = sorted(file for file in package.rglob("*") if file.is_file())
    # Its JSON has fields that say nothing; what it signs is covered by every other file here.
    files.remove(package / "medley/package.sig")
    file = data.draw(st.sampled_from(files))
    whole = file.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        file.write_bytes(whole[:place])
    else:
        flip(file, place, data.draw(st.integers(0, 7)))

    try:
        assert_refused(importer, package)
    finally:
        file.write_bytes(whole)


def edit(package: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of a package as somebody would who cannot sign for the exporter."""
    (package / "medley/package.sig").unlink()
    record = json.loads((package / RECORD).read_text())
    change(record)
    (package / RECORD).write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def _entries(record: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = record["manifest"]["files"]
    return entries


def _redigest(record: dict[str, Any]) -> None:
    record["version"]["digest"] = str(Digest.of(canonical_json(record["manifest"])))


def _rename(record: dict[str, Any], name: str, path: str) -> None:
    for entry in _entries(record):
        if entry["path"] == name:
            entry["path"] = path
    _redigest(record)


RECORDS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "unknown field": (lambda r: r.update(more=1), "package-record"),
    "unknown field within": (lambda r: r["version"].update(more=1), "package-record"),
    "missing field": (lambda r: r["version"].pop("note"), "package-record"),
    "later schema": (lambda r: r.update(schema_version=2), "schema_version is 1"),
    "another digest": (lambda r: r["version"].update(digest=f"sha256:{'0' * 64}"), "package-rec"),
    "another key id": (lambda r: r["signatures"][0].update(key_id="0" * 64), "package-record"),
    "no public key": (lambda r: r["signatures"][0].update(public_key="x"), "package-record"),
    "another metric": (lambda r: r["evidence"][0]["metrics"].update(f1=0.99), "package-record"),
    "infinite metric": (lambda r: r["evidence"][0]["metrics"].update(f1=1e999), "package-"),
    "another variant": (lambda r: r["variants"][0].update(recipe={"a": 1}), "package-record"),
    "two variants": (lambda r: r.update(variants=r["variants"] * 2), "package-record"),
    "number as text": (lambda r: r["version"].update(number="1"), "package-record"),
    "number as boolean": (lambda r: r["version"].update(number=True), "package-record"),
    "text as number": (lambda r: r["version"].update(note=1), "package-record"),
    "participant as list": (
        lambda r: r["lineage"]["contributions"][0].update(participant=[]),
        "package-record",
    ),
    "name with a path": (lambda r: r["version"].update(adapter="../notes"), "package-record"),
    "list for an object": (lambda r: r.update(version=[]), "package-record"),
    "unknown state": (lambda r: r["version"].update(state="best"), "package-record"),
    "not a time": (lambda r: r["version"].update(created_at="today"), "package-record"),
    "path in the manifest": (lambda r: _rename(r, CONFIG, f"../{CONFIG}"), "package-record"),
    "absolute path in the manifest": (lambda r: _rename(r, CONFIG, "/etc/passwd"), "package-rec"),
    "a line in the note": (lambda r: r["version"].update(note="a\nb"), "rule text"),
    "no signature": (lambda r: r.update(signatures=[]), "package-extra"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_changed_record_is_refused_though_nobody_signed_it(
    importer: Registry, package: Path, case: str
) -> None:
    change, because = RECORDS[case]
    edit(package, change)

    assert_refused(importer, package, because)


def test_a_record_with_a_field_twice_is_refused(importer: Registry, package: Path) -> None:
    (package / "medley/package.sig").unlink()
    text = (package / RECORD).read_text()
    (package / RECORD).write_text(text.replace('{\n  "base"', '{\n  "base": {},\n  "base"', 1))

    assert_refused(importer, package, "package-duplicate")


def forge(package: Path, change: Callable[[tuple[FileEntry, ...]], Iterable[FileEntry]]) -> None:
    """Another manifest, with every digest in the record made to fit; only signatures do not."""
    (package / "medley/package.sig").unlink()
    record = read_record((package / RECORD).read_bytes())
    manifest = Manifest(tuple(change(record.version.manifest.files)))
    version = replace(record.version, manifest=manifest, digest=manifest.digest)
    variants = tuple(replace(v, version_digest=version.digest) for v in record.variants)
    forged = replace(record, version=version, variants=variants, evidence=())
    (package / RECORD).write_bytes(forged.to_json())


def test_names_swapped_in_record_and_folder_alike_break_the_signature(
    importer: Registry, package: Path
) -> None:
    """The format's digest of all files would not notice: it covers no names."""
    forge(
        package,
        lambda files: (
            files[0],
            replace(files[1], path=WEIGHTS, media_type=files[2].media_type),
            replace(files[2], path=CONFIG, media_type=files[1].media_type),
        ),
    )
    swap(package / CONFIG, package / WEIGHTS)

    assert_refused(importer, package, "the signature is for other content of adapter_config.json")


def test_content_changed_in_record_and_folder_alike_breaks_the_signature(
    importer: Registry, package: Path
) -> None:
    content = (package / CONFIG).read_bytes() + b" "
    (package / CONFIG).write_bytes(content)
    entry = FileEntry(CONFIG, len(content), Digest.of(content), "application/json")
    forge(package, lambda files: (files[0], entry, files[2]))

    assert_refused(importer, package, "the signature is for other content of adapter_config.json")


def test_a_file_dropped_from_record_and_folder_alike_breaks_the_signature(
    importer: Registry, package: Path
) -> None:
    (package / "medley/README.md").unlink()
    forge(package, lambda files: files[1:])

    assert_refused(importer, package, "'README.md', which is not among the files")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"path": "run.py"}, "no adapter has such a file"),
        ({"media_type": "text/x-python"}, "no adapter has such a file"),
        ({"size": 1}, r"it has \d+ bytes"),
    ],
    ids=["name", "media type", "size"],
)
def test_a_file_that_no_adapter_has_is_refused_in_any_record(
    untrusting: Registry, package: Path, change: dict[str, Any], because: str
) -> None:
    forge(package, lambda files: (files[0], replace(files[1], **change), files[2]))

    assert_refused(untrusting, package, because)


def test_evidence_made_up_on_the_way_is_unverified(importer: Registry, package: Path) -> None:
    (package / "medley/package.sig").unlink()
    record = read_record((package / RECORD).read_bytes())
    (genuine,) = record.evidence
    made_up = Evidence.of(
        record.variants[0],
        kind=genuine.kind,
        suite=genuine.suite,
        suite_digest=genuine.suite_digest,
        environment=genuine.environment,
        metrics={"f1": 1.0},
        actor=genuine.actor,
        at=genuine.at,
    )
    (package / RECORD).write_bytes(replace(record, evidence=(made_up,)).to_json())

    import_version(importer, package, actor="bob")

    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["unverified/held-out"]


def _resigned(package: Path, signer: KeySigner, bundle: str) -> None:
    """Put another signature on a package, consistently in every place."""
    for file in (package / "medley/keys").iterdir():
        file.unlink()
    (package / f"medley/keys/{signer.key_id}.pem").write_text(signer.public_key)
    (package / "medley/model.sig").write_text(bundle)
    replaced = {"key_id": signer.key_id, "public_key": signer.public_key, "bundle": bundle}
    edit(package, lambda record: record["signatures"][0].update(replaced))


def _manifest(package: Path) -> Manifest:
    record = json.loads((package / RECORD).read_text())
    return Manifest.from_json(canonical_json(record["manifest"]))


def test_a_signature_by_another_key_does_not_count(
    importer: Registry, package: Path, stranger: KeySigner
) -> None:
    _resigned(package, stranger, stranger.sign(_manifest(package)))

    assert_refused(importer, package, f"the key {stranger.key_id[:12]} is not trusted here")


def test_a_signature_by_another_key_under_a_trusted_name_does_not_count(
    importer: Registry, package: Path, key: KeySigner, stranger: KeySigner
) -> None:
    _resigned(package, key, stranger.sign(_manifest(package)))

    assert_refused(importer, package, "hash of the signing key")


def test_a_signature_of_another_version_does_not_count(
    exporter: Registry, importer: Registry, package: Path, key: KeySigner, tmp_path: Path
) -> None:
    exporter.publish(
        make_adapter(tmp_path / "second", fill=2), name="notes", base=TINY, actor="ada", signer=key
    )
    replayed = exporter.trust.signatures("notes", 2)[0].bundle

    _resigned(package, key, replayed)

    assert_refused(importer, package, "does not cover README.md")


def test_the_exporter_s_signature_of_another_package_does_not_count(
    exporter: Registry, importer: Registry, package: Path, key: KeySigner, tmp_path: Path
) -> None:
    exporter.publish(
        make_adapter(tmp_path / "second", fill=2), name="notes", base=TINY, actor="ada", signer=key
    )
    other = export_version(exporter, "notes:2", tmp_path / "other", signer=key)
    shutil.copy(other / "medley/package.sig", package / "medley/package.sig")

    assert_refused(importer, package, "package.sig does not count")


def test_one_genuine_signature_does_not_cover_for_a_false_one(
    importer: Registry, package: Path, stranger: KeySigner
) -> None:
    def add_false(record: dict[str, Any]) -> None:
        false = {"key_id": stranger.key_id, "public_key": stranger.public_key}
        record["signatures"].append(record["signatures"][0] | false)

    edit(package, add_false)
    (package / f"medley/keys/{stranger.key_id}.pem").write_text(stranger.public_key)

    assert_refused(importer, package, "hash of the signing key")


def test_a_signature_is_no_help_for_an_unsigned_copy(importer: Registry, package: Path) -> None:
    edit(package, lambda record: record.update(signatures=[]))
    shutil.rmtree(package / "medley/keys")
    (package / "medley/model.sig").unlink()

    assert_refused(importer, package, "it is not signed")


@pytest.fixture
def stored(base_folder: Path, tmp_path: Path, key: KeySigner) -> Registry:
    """A registry on disk with `notes:1` and `notes:2`, both signed."""
    create_folder_blobs(tmp_path / "blobs")
    registry = Registry(MemoryIndex(), FolderBlobs(tmp_path / "blobs"))
    registry.add_base(TINY, base_folder, actor="ada")
    registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    for fill in (1, 2):
        folder = make_adapter(tmp_path / f"adapter-{fill}", fill=fill)
        registry.publish(folder, name="notes", base=TINY, actor="ada", signer=key)
    return registry


@pytest.mark.parametrize("size_bytes", [0, 743, 745], ids=["empty", "truncated", "longer"])
def test_a_blob_of_another_length_is_not_checked_out(
    stored: Registry, tmp_path: Path, size_bytes: int
) -> None:
    version = stored.resolve("notes:1")
    weights = version.manifest.files[-1]
    (blob,) = [f for f in (tmp_path / "blobs").rglob("*") if f.name.endswith(weights.sha256.hex)]
    blob.chmod(0o644)
    os.truncate(blob, size_bytes)

    for read in (stored.checkout, stored.pull):
        with pytest.raises(DigestMismatch):
            read(version, tmp_path / "out" / read.__name__)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_a_changed_byte_in_the_store_is_not_checked_out(
    stored: Registry, tmp_path: Path, place: int
) -> None:
    version = stored.resolve("notes:1")
    weights = version.manifest.files[-1]
    (blob,) = [f for f in (tmp_path / "blobs").rglob("*") if f.name.endswith(weights.sha256.hex)]
    blob.chmod(0o644)
    flip(blob, place)

    for read in (stored.checkout, stored.pull):
        with pytest.raises(DigestMismatch):
            read(version, tmp_path / "out" / read.__name__)


def _extra(manifest: Manifest) -> Manifest:
    readme = replace(manifest.files[0], path="README.md", media_type="text/markdown")
    return Manifest((*manifest.files, readme))


def _swapped(manifest: Manifest) -> Manifest:
    config, weights = manifest.files
    return Manifest((replace(config, path=weights.path), replace(weights, path=config.path)))


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (_extra, "does not cover README.md"),
        (_swapped, "other content of adapter_config.json"),
        (lambda manifest: Manifest(manifest.files[:1]), "which is not among the files"),
    ],
    ids=["extra file", "swapped names", "missing file"],
)
def test_a_version_with_other_files_than_were_signed_is_not_verified(
    stored: Registry, change: Callable[[Manifest], Manifest], because: str
) -> None:
    version = stored.resolve("notes:1")

    with pytest.raises(SignatureRefused, match=because):
        stored.trust.verify(replace(version, manifest=change(version.manifest)))


def _signed(registry: Registry, signature: Signature) -> None:
    """Put a signature where only the registry should: into its index."""
    with registry.index.write() as writer:
        writer.add(signature)


@pytest.fixture
def unsigned(stored: Registry, base_folder: Path, tmp_path: Path, key: KeySigner) -> Registry:
    """A registry that began to trust the key only after it took `notes:1`."""
    registry = Registry(MemoryIndex(), stored.blobs)
    registry.add_base(TINY, base_folder, actor="ada")
    registry.publish(tmp_path / "adapter-1", name="notes", base=TINY, actor="ada")
    registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    return registry


def test_an_unsigned_version_is_not_checked_out(unsigned: Registry, tmp_path: Path) -> None:
    with pytest.raises(SignatureRefused, match="it is not signed"):
        unsigned.checkout(unsigned.resolve("notes:1"), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_replayed_signature_is_not_verified(
    stored: Registry, unsigned: Registry, tmp_path: Path
) -> None:
    replayed = stored.trust.signatures("notes", 2)[0]
    _signed(unsigned, replace(replayed, number=1, at=timestamps.now()))

    with pytest.raises(SignatureRefused, match="signed something else"):
        unsigned.checkout(unsigned.resolve("notes:1"), tmp_path / "out")


def test_a_signature_by_a_stranger_is_not_verified(
    stored: Registry, unsigned: Registry, stranger: KeySigner, tmp_path: Path
) -> None:
    genuine = stored.trust.signatures("notes", 1)[0]
    bundle = stranger.sign(stored.resolve("notes:1").manifest)
    _signed(unsigned, replace(genuine, bundle=bundle, at=timestamps.now()))

    with pytest.raises(SignatureRefused, match="signed something else"):
        unsigned.checkout(unsigned.resolve("notes:1"), tmp_path / "out")


def test_a_signature_by_an_expired_key_is_not_verified(
    stored: Registry, unsigned: Registry, stranger: KeySigner, tmp_path: Path
) -> None:
    at = timestamps.now()
    version = unsigned.resolve("notes:1")
    with unsigned.index.write() as writer:
        writer.add(
            TrustedKey(
                key_id=stranger.key_id,
                name="old",
                public_key=stranger.public_key,
                valid_from=at - timedelta(days=2),
                valid_until=at - timedelta(days=1),
                added_by="ada",
            )
        )
    genuine = stored.trust.signatures("notes", 1)[0]
    bundle = stranger.sign(version.manifest)
    _signed(unsigned, replace(genuine, key_id=stranger.key_id, bundle=bundle, at=at))

    with pytest.raises(SignatureRefused, match="old had expired"):
        unsigned.checkout(version, tmp_path / "out")


def test_a_signature_by_a_key_distrusted_since_is_not_verified(
    stored: Registry, key: KeySigner, tmp_path: Path
) -> None:
    version = stored.resolve("notes:1")
    stored.checkout(version, tmp_path / "out")

    stored.trust.distrust(key.key_id, actor="ada", reason="lost")

    with pytest.raises(SignatureRefused, match="hospital-a is no longer trusted"):
        stored.checkout(version, tmp_path / "out")


def test_a_refusal_on_import_is_one_line(importer: Registry, package: Path) -> None:
    edit(package, lambda record: record["version"].update(note="\x1b[2J\nforged"))

    with pytest.raises(AdmissionRefused) as refused:
        import_version(importer, package, actor="bob")

    assert str(refused.value).isprintable()
