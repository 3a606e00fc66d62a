"""What an import brings, from a package and from a plain folder."""

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from medley_registry import (
    AdmissionRefused,
    BaseMismatch,
    BaseNotFound,
    EvidenceKind,
    KeySigner,
    NameTaken,
    NotServable,
    Registry,
    SignatureRefused,
    VariantKind,
    VersionState,
    Withdrawn,
    timestamps,
)
from medley_registry.digest import Digest
from medley_registry.exchange import export_version, import_version

from tests.builders import TINY, make_adapter, make_base
from tests.unit.registry.exchange.conftest import new_registry


def test_an_import_is_the_same_version_with_its_lineage(
    exporter: Registry, importer: Registry, package: Path
) -> None:
    version = import_version(importer, package, actor="bob")

    original = exporter.resolve("notes:1")
    assert version == importer.resolve("notes:1")
    assert version.manifest == original.manifest
    assert (version.base, version.base_id) == ("small", original.base_id)
    assert (version.round, version.note) == (3, "first light")
    assert version.state is VersionState.ADMITTED
    assert version.published_by == "bob"
    assert version.lineage.contributions == original.lineage.contributions
    assert version.lineage.origin == "package of notes:1"
    assert importer.aliases() == []


def test_the_signature_comes_along_and_counts(
    exporter: Registry, importer: Registry, package: Path, key: KeySigner
) -> None:
    version = import_version(importer, package, actor="bob")

    signer = importer.trust.verify(version)
    assert signer is not None
    assert signer.name == "hospital-a"
    original = exporter.trust.signatures("notes", 1)[0]
    assert importer.trust.signatures("notes", 1)[0].bundle == original.bundle


def test_evidence_comes_along_with_who_measured_it(
    exporter: Registry, importer: Registry, package: Path
) -> None:
    import_version(importer, package, actor="bob")

    original, *_ = exporter.evidence.of("notes", 1)
    (evidence,) = importer.evidence.of("notes", 1)
    assert (evidence.suite, evidence.metrics) == ("held-out", {"f1": 0.875})
    assert evidence.suite_digest == original.suite_digest
    assert evidence.variant_digest == original.variant_digest
    assert evidence.actor == "bob"
    assert evidence.environment == {
        "gpu": "none",
        "imported": {
            "digest": str(original.digest),
            "version": "notes:1",
            "actor": "ada",
            "at": timestamps.to_text(original.at),
            "before": None,
        },
    }


def test_importing_again_changes_nothing(importer: Registry, package: Path) -> None:
    version = import_version(importer, package, actor="bob")
    head = importer.head()

    assert import_version(importer, package, actor="eve") == version
    assert importer.head() == head


def test_importing_where_it_came_from_changes_nothing(exporter: Registry, package: Path) -> None:
    head = exporter.head()

    assert import_version(exporter, package, actor="bob") == exporter.resolve("notes:1")
    assert exporter.head() == head


def test_what_a_crash_left_out_the_same_import_adds(
    importer: Registry, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(importer.evidence, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            import_version(importer, package, actor="bob")

    import_version(importer, package, actor="bob")

    assert [evidence.suite for evidence in importer.evidence.of("notes", 1)] == ["held-out"]


def test_an_export_of_an_import_imports(
    *,
    exporter: Registry,
    importer: Registry,
    package: Path,
    key: KeySigner,
    base_folder: Path,
    tmp_path: Path,
) -> None:
    import_version(importer, package, actor="bob")
    onward = export_version(importer, "notes:1", tmp_path / "onward", signer=key)
    third = new_registry(base_folder, base=TINY)
    third.trust.add(key.public_key, name="hospital-a", actor="eve")

    version = import_version(third, onward, actor="eve")

    assert version.digest == exporter.resolve("notes:1").digest
    (evidence,) = third.evidence.of("notes", 1)
    imported = evidence.environment["imported"]
    assert isinstance(imported, dict)
    assert isinstance(imported["before"], dict)
    assert (imported["actor"], imported["before"]["actor"]) == ("bob", "ada")


def test_another_name_may_be_given(importer: Registry, package: Path) -> None:
    assert import_version(importer, package, name="letters", actor="bob").reference == "letters:1"


def test_a_name_that_stands_for_something_else_is_refused(
    importer: Registry, package: Path
) -> None:
    with pytest.raises(NameTaken, match="base model"):
        import_version(importer, package, name="small", actor="bob")


def test_evidence_that_nobody_vouches_for_meets_no_policy(
    exporter: Registry, importer: Registry, key: KeySigner, tmp_path: Path
) -> None:
    bare = export_version(exporter, "notes:1", tmp_path / "bare")

    import_version(importer, bare, actor="bob")
    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["unverified/held-out"]

    whole = export_version(exporter, "notes:1", tmp_path / "whole", signer=key)
    import_version(importer, whole, actor="bob")
    import_version(importer, bare, actor="bob")
    suites = [evidence.suite for evidence in importer.evidence.of("notes", 1)]
    assert suites == ["unverified/held-out", "held-out"]


def test_evidence_that_a_stranger_vouches_for_is_unverified(
    exporter: Registry, importer: Registry, stranger: KeySigner, tmp_path: Path
) -> None:
    package = export_version(exporter, "notes:1", tmp_path / "out", signer=stranger)

    import_version(importer, package, actor="bob")

    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["unverified/held-out"]


def test_variants_come_along_where_their_base_is_here(
    exporter: Registry, importer: Registry, key: KeySigner, tmp_path: Path
) -> None:
    smaller = make_base(tmp_path / "nf4", fill=7)
    exporter.add_base("tiny-nf4", smaller, actor="ada", derived_from=TINY)
    exporter.evidence.add_variant(
        "notes", 1, VariantKind.NF4, base="tiny-nf4", recipe={"bits": 4}, actor="ada"
    )
    exporter.evidence.add(
        "notes",
        1,
        variant=VariantKind.NF4,
        kind=EvidenceKind.BENCHMARK,
        suite="decode",
        suite_digest=Digest.of(b"decode"),
        environment={},
        metrics={"tokens_per_s": 400.0},
        actor="ada",
    )
    package = export_version(exporter, "notes:1", tmp_path / "out", signer=key)

    import_version(importer, package, actor="bob")
    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["held-out"]

    importer.add_base("small-nf4", smaller, actor="bob", derived_from="small")
    import_version(importer, package, actor="bob")
    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["held-out", "decode"]
    assert importer.evidence.variants("notes", 1)[-1].base == "small-nf4"


def test_a_registry_without_keys_takes_it_as_it_is(untrusting: Registry, package: Path) -> None:
    version = import_version(untrusting, package, actor="bob")

    assert untrusting.trust.signatures("notes", 1) == []
    assert [e.suite for e in untrusting.evidence.of("notes", 1)] == ["unverified/held-out"]
    assert version.number == 1


def test_a_key_given_for_the_import_counts(
    untrusting: Registry, package: Path, key: KeySigner, stranger: KeySigner
) -> None:
    with pytest.raises(SignatureRefused, match="is not trusted here"):
        import_version(untrusting, package, actor="bob", trust=stranger.public_key)

    import_version(untrusting, package, actor="bob", trust=key.public_key)
    assert [e.suite for e in untrusting.evidence.of("notes", 1)] == ["held-out"]


def test_a_version_by_a_key_given_for_the_import_is_signed_anew(
    base_folder: Path, package: Path, key: KeySigner, stranger: KeySigner
) -> None:
    """`stranger` is this registry's own key; the hospital's counts this once."""
    registry = new_registry(base_folder, base=TINY)
    registry.trust.add(stranger.public_key, name="own", actor="bob")
    with pytest.raises(SignatureRefused, match="signed versions only"):
        import_version(registry, package, actor="bob", trust=key.public_key)

    version = import_version(registry, package, actor="bob", trust=key.public_key, signer=stranger)

    assert [s.key_id for s in registry.trust.signatures("notes", 1)] == [stranger.key_id]
    assert registry.trust.verify(version) is not None


def test_no_signature_here_is_needed_where_a_trusted_key_signed_it(
    importer: Registry, package: Path, key: KeySigner, stranger: KeySigner
) -> None:
    import_version(importer, package, actor="bob", signer=stranger)

    signed = [signature.key_id for signature in importer.trust.signatures("notes", 1)]
    assert signed == [key.key_id]


def test_every_signature_that_counts_comes_along(
    exporter: Registry, importer: Registry, key: KeySigner, stranger: KeySigner, tmp_path: Path
) -> None:
    exporter.trust.add(stranger.public_key, name="reviewer", actor="ada")
    exporter.trust.sign("notes", 1, signer=stranger, actor="grace")
    package = export_version(exporter, "notes:1", tmp_path / "out", signer=key)

    import_version(importer, package, actor="bob")
    assert [s.key_id for s in importer.trust.signatures("notes", 1)] == [key.key_id]

    importer.trust.add(stranger.public_key, name="reviewer", actor="bob")
    import_version(importer, package, actor="bob")
    signed = {signature.key_id for signature in importer.trust.signatures("notes", 1)}
    assert signed == {key.key_id, stranger.key_id}


def test_a_base_that_is_not_here_is_named(package: Path, tmp_path: Path, key: KeySigner) -> None:
    registry = new_registry(make_base(tmp_path / "other", fill=9), base=TINY)
    registry.trust.add(key.public_key, name="hospital-a", actor="bob")

    with pytest.raises(BaseNotFound, match=r"'tiny', sha256:[0-9a-f]{64}, which is not here"):
        import_version(registry, package, actor="bob")
    with pytest.raises(BaseMismatch, match="is for base model 'tiny'"):
        import_version(registry, package, base=TINY, actor="bob")
    with pytest.raises(BaseNotFound):
        import_version(registry, package, base="none", actor="bob")

    assert registry.adapters() == []


def test_an_adapter_for_another_base_does_not_take_it(
    importer: Registry, package: Path, key: KeySigner, tmp_path: Path
) -> None:
    importer.add_base("other", make_base(tmp_path / "other", fill=9), actor="bob")
    importer.publish(
        make_adapter(tmp_path / "mine", fill=9),
        name="notes",
        base="other",
        actor="bob",
        signer=key,
    )

    with pytest.raises(BaseMismatch):
        import_version(importer, package, actor="bob")


def test_content_that_was_revoked_here_does_not_come_back(
    exporter: Registry, importer: Registry, package: Path
) -> None:
    import_version(importer, package, actor="bob")
    digest = exporter.resolve("notes:1").digest
    importer.lifecycle.revoke(digest, actor="bob", reason="leaks names")

    for name in (None, "letters"):
        with pytest.raises(Withdrawn, match="leaks names"):
            import_version(importer, package, name=name, actor="bob")


def test_content_that_was_deleted_here_does_not_come_back(
    importer: Registry, package: Path
) -> None:
    import_version(importer, package, actor="bob")
    importer.lifecycle.delete("notes", 1, actor="bob", reason="asked for")

    with pytest.raises(Withdrawn, match="was deleted"):
        import_version(importer, package, actor="bob")


def test_a_key_that_expired_or_was_distrusted_does_not_count(
    base_folder: Path, package: Path, key: KeySigner
) -> None:
    registry = new_registry(base_folder, base=TINY)
    registry.trust.add(
        key.public_key,
        name="hospital-a",
        actor="bob",
        valid_until=timestamps.now() - timedelta(seconds=1),
    )
    with pytest.raises(SignatureRefused, match="hospital-a had expired"):
        import_version(registry, package, actor="bob")

    registry.trust.distrust(key.key_id, actor="bob", reason="lost")
    with pytest.raises(SignatureRefused, match="hospital-a is no longer trusted"):
        import_version(registry, package, actor="bob")
    assert registry.adapters() == []


def test_a_package_of_a_version_held_back_is_refused(untrusting: Registry, package: Path) -> None:
    file = package / "medley" / "version.json"
    (package / "medley" / "package.sig").unlink()
    file.write_text(file.read_text().replace('"admitted"', '"quarantined"'))

    with pytest.raises(NotServable, match="quarantined when it left"):
        import_version(untrusting, package, actor="bob")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """An adapter as a trainer leaves it, with other things around it."""
    folder = make_adapter(tmp_path / "plain")
    (folder / "README.md").write_text("# theirs\n")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (folder / "training_args.bin").write_bytes(b"\x80\x04.")
    (folder / "checkpoint-100").mkdir()
    return folder


def test_a_plain_adapter_folder_is_taken_without_what_lies_around(
    untrusting: Registry, plain: Path
) -> None:
    version = import_version(untrusting, plain, name="theirs", base="small", actor="bob")

    assert [entry.path for entry in version.manifest.files] == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    again = import_version(untrusting, plain, name="theirs", base="small", actor="bob")
    assert again == version


def test_a_plain_adapter_folder_needs_a_signature_where_keys_are_trusted(
    importer: Registry, plain: Path, key: KeySigner
) -> None:
    with pytest.raises(SignatureRefused, match="signed versions only"):
        import_version(importer, plain, name="theirs", base="small", actor="bob")
    with pytest.raises(SignatureRefused, match="no signature in a plain adapter folder"):
        import_version(
            importer, plain, name="theirs", base="small", actor="bob", trust=key.public_key
        )

    import_version(importer, plain, name="theirs", base="small", actor="bob", signer=key)


@pytest.mark.parametrize(
    ("name", "base", "rule"),
    [(None, "small", "import-name"), ("theirs", None, "import-base")],
)
def test_a_plain_adapter_folder_does_not_say_what_it_is(
    untrusting: Registry, plain: Path, name: str | None, base: str | None, rule: str
) -> None:
    with pytest.raises(AdmissionRefused) as refused:
        import_version(untrusting, plain, name=name, base=base, actor="bob")

    assert refused.value.rule == rule


def _only_pickled(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")


def _also_pickled(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04.")


def _pickled_by_another_name(folder: Path) -> None:
    (folder / "adapter_model.safetensors").rename(folder / "weights.pt")


def _disguised(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"\x80\x04K\x01." + bytes(100))


def _without_weights(folder: Path) -> None:
    (folder / "training_args.bin").unlink()
    (folder / "adapter_model.safetensors").unlink()


def _linked(folder: Path) -> None:
    shutil.move(folder / "adapter_model.safetensors", folder.parent / "elsewhere")
    (folder / "adapter_model.safetensors").symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_only_pickled, "file-pickle"),
        (_also_pickled, "file-pickle"),
        (_pickled_by_another_name, "file-pickle"),
        (_disguised, "safetensors-length"),
        (_without_weights, "file-missing"),
        (_linked, "file-kind"),
    ],
)
def test_a_plain_adapter_folder_that_may_not_enter_is_refused_by_a_rule(
    untrusting: Registry, plain: Path, change: Callable[[Path], None], rule: str
) -> None:
    change(plain)

    with pytest.raises(AdmissionRefused) as refused:
        import_version(untrusting, plain, name="theirs", base="small", actor="bob")

    assert refused.value.rule == rule
    assert untrusting.adapters() == []


def test_a_folder_that_is_not_there_is_said_so(untrusting: Registry, tmp_path: Path) -> None:
    with pytest.raises(AdmissionRefused, match="No such file"):
        import_version(untrusting, tmp_path / "none", name="a", base="small", actor="bob")


def test_nothing_of_the_staging_stays(
    importer: Registry, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))

    import_version(importer, package, actor="bob")
    (package / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(AdmissionRefused):
        import_version(importer, package, name="letters", actor="bob")

    assert list(place.iterdir()) == []


def test_a_record_that_overstates_its_base_is_refused(untrusting: Registry, package: Path) -> None:
    file = package / "medley" / "version.json"
    (package / "medley" / "package.sig").unlink()
    record = json.loads(file.read_text())
    record["base"]["weights_digest"] = f"sha256:{'0' * 64}"
    file.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")

    with pytest.raises(AdmissionRefused, match="other digests"):
        import_version(untrusting, package, actor="bob")
